#!/usr/bin/env bash
# Run the unit tests at Colab's versions, in an environment of its own (build/colab). For maintainers; not part of CI.
#   tests/colab_leg.sh [PYTHON] [pytest arguments]      PYTHON: Colab's is python3.13, any from 3.11 on will do
# Then open the first notebook of the course in that environment: its set-up cell must install nothing.
set -eu -o pipefail
cd "$(dirname "$0")/.."
python=${1:-python3.13}
shift || true
mkdir -p build
cat > build/colab-versions.txt <<'END'
pandas==2.2.3
pillow==11.3.0
ipywidgets==7.7.1
ipython==7.34.0
END
if [ ! -e build/colab/installed ]; then
    "$python" -m venv build/colab
    build/colab/bin/python -m pip install --quiet --constraint build/colab-versions.txt \
        -e ".[tests]" ipykernel nbclient nbformat jupyter-client psutil traitlets
    touch build/colab/installed
fi
build/colab/bin/python -m pip list 2>/dev/null | grep -iE '^(torch|numpy|pandas|pillow|ipywidgets|ipython) '
build/colab/bin/python -c 'import mirrorme_utils; lacking = mirrorme_utils.environment.missing(); assert not lacking, lacking'
build/colab/bin/python -m pytest tests -q -n 2 --dist loadfile --no-loadscope-reorder --deselect tests/app/test_page.py --deselect tests/app/test_browser.py "$@"
