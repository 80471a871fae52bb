"""The command line: `mirrorme`, or `python -m mirrorme_utils`, with a subcommand for each thing that people do."""

import argparse
import glob
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

EPILOG = "The target keeps its face, the source gives its expression. More: README.md and docs/."
THUMBNAIL = 160  # px of a cell of a contact sheet


class UsageError(Exception):
    """What was asked cannot be done; the message says why and what to do."""


class _Parser(argparse.ArgumentParser):
    """A parser whose complaints are one line, as all others of this command."""

    def error(self, message: str):
        self.exit(2, f"mirrorme: {message}; see `{self.prog} --help`\n")


def main(arguments: list[str] | None = None) -> int:
    """Do what the command line asks; return the exit status: 0, or 2 after one line that says what is wrong."""
    options = _parser().parse_args(arguments)
    try:
        return options.run(options) or 0
    except (UsageError, ValueError, OSError, RuntimeError) as error:
        print(f"mirrorme: {_one_line(error)}", file=sys.stderr)
        return 2
    except ImportError as error:
        print(f"mirrorme: {error}; install what is missing with `pip install -e \".[course]\"`", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("mirrorme: stopped", file=sys.stderr)
        return 130


def _one_line(error: Exception) -> str:
    if isinstance(error, FileNotFoundError) and error.filename is not None:
        return f"there is no file {error.filename}: check the path"
    return " ".join(str(error).split())


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="mirrorme", description="One face makes another face's expression.", epilog=EPILOG)
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    def add(name: str, run, text: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        command.set_defaults(run=run)
        return command

    p = add("transfer", transfer, "put the expression of a source on a target")
    p.add_argument("target", help="keeps its face: a picture, a folder, or a pattern in quotes such as 'faces/*.jpg'")
    p.add_argument("source", help="gives its expression: the same choices")
    p.add_argument("-o", "--out", type=Path, required=True, help="the result's file (.png, .jpg, .webp); of many: a folder")
    p.add_argument("--strength", type=float, default=1.0, help="0 leaves the target's expression, 1 takes the source's")
    p.add_argument("--parts", nargs="+", metavar="PART", help="of the face that move: mouth, eyes, brows; all by default")
    p.add_argument("--sheet", type=Path, metavar="FILE", help="also write the faces of all results as one contact sheet")
    p.add_argument("--label", action="store_true", help="write “synthetic” into the picture's corner, not only its metadata")
    p.add_argument("--checkpoint", metavar="NAME", help="a translator in data/checkpoints; the best by default")

    p = add("read", read, "read expressions from pictures into a CSV file")
    p.add_argument("pictures", nargs="+", help="pictures, folders, or patterns in quotes")
    p.add_argument("-o", "--out", type=Path, help="the CSV file; the screen by default")
    p.add_argument("--fecnet", action="store_true", help="FECNet's 16 numbers instead of the 52 blendshape weights")
    p.add_argument("--embedding", metavar="NAME", help="another FECNet, by name or as a file of public weights")
    p.add_argument("--checkpoint", metavar="NAME", help="a translator in data/checkpoints; the best by default")

    p = add("bench", bench, "score a translator where the right answer is known, or on photographs")
    p.add_argument("--seed", type=int, nargs="+", default=[0], help="of the new worlds; 0 is the notebooks' own")
    p.add_argument("--checkpoint", metavar="NAME", help="a translator in data/checkpoints; moving by default")
    p.add_argument("--json", type=Path, metavar="FILE", help="where to write the scores")
    p.add_argument("--pairs", type=int, metavar="N", help="how many test pairs in each direction")
    p.add_argument("--groups", action="store_true", help="also score people by skin tone, sex, age and origin")
    p.add_argument("--photos", type=Path, metavar="FOLDER", help="photographs, with a subfolder for each label")
    p.add_argument("--embedding", metavar="NAME", help="for --photos: another FECNet, by name or as a file of public weights")
    p.add_argument("--outside", type=Path, metavar="FILE", help="face_landmarker.task, which then also reads the results")

    p = add("clean", clean, "clean the data: links and boxes to face crops and triplets")
    p.add_argument(
        "--ray", type=int, nargs="?", const=0, metavar="N",
        help="let Ray do the work: by N workers of this machine, or without N by the cluster of RAY_ADDRESS",
    )  # fmt: skip
    p.add_argument("--again", action="store_true", help="also ask links that are dead")
    p.add_argument("--ignore-noai", action="store_true", help="also take photos that their host keeps out of data sets")
    p.add_argument("--shards", type=Path, metavar="FOLDER", help="also write the crops there as WebDataset shards")

    add("world", world, "build the mini world, if it does not stand yet")

    p = add("train", train, "train a network of the course, also in several processes (torchrun, accelerate launch)")
    p.add_argument("network", help="fecnet, report or moving; its settings are the profile's")

    p = add("course", course, "run the notebooks from top to bottom into build/")
    p.add_argument("--only", nargs="+", default=[], metavar="NN", help="numbers of notebooks, such as 03 07")
    p.add_argument("--out", type=Path, metavar="FOLDER", help="where executed copies go; build/notebooks by default")
    p.add_argument("--store", action="store_true", help="renew the stored notebooks and figures (for maintainers)")

    p = add("app", app, "serve the app as a page")
    p.add_argument("--port", type=int, default=8866, help="of the page on this machine")
    p.add_argument("--no-browser", action="store_true", help="do not open the page")
    return parser


def pictures_at(places: Iterable[str]) -> Iterator[tuple[Path, bool]]:
    """List the files that paths, folders and patterns name, and whether each was named by itself.

    Raises:
        UsageError: a path is not there, or a folder or pattern names no file.
    """
    for place in places:
        path = Path(place)
        if path.is_dir():
            found = sorted(p for p in path.rglob("*") if p.is_file() and not p.name.startswith("."))
        elif path.exists():
            yield path, True
            continue
        else:
            if not glob.has_magic(place):
                raise UsageError(f"there is no file {place}: check the path")
            found = sorted(p for p in map(Path, glob.glob(place, recursive=True)) if p.is_file())
        if not found:
            raise UsageError(f"{place} holds no picture: name another folder or pattern")
        yield from ((p, False) for p in found)


def _framed(places: Iterable[str], shrink: int | None = None):
    """Open pictures and frame their faces: path and `Framed`. In a folder, what is no picture is named and passed over."""
    from . import framing, mirror, pictures

    any_read = False
    for path, by_itself in pictures_at(places):
        try:
            face = mirror.frame(path)
        except pictures.PictureError as error:
            if by_itself:
                raise UsageError(f"{path} is {error}") from None
            print(f"passed over: {path} is {error}", file=sys.stderr)
            continue
        any_read = True
        yield path, framing.as_it_is(framing.cut(face, shrink)) if shrink else face
    if not any_read:
        raise UsageError(f"{' '.join(places)} holds no picture that can be read")


def transfer(options: argparse.Namespace) -> None:
    """Put the expression of each source on each target, and save the results."""
    from . import framing, pictures
    from .mirror import MirrorMe
    from .world.expressions import PARTS

    parts = options.parts or list(PARTS)
    if unknown := [part for part in parts if part not in PARTS]:
        raise UsageError(f"--parts {unknown[0]}: a face has the parts {', '.join(PARTS)}")
    for path in (options.target, options.source):
        next(pictures_at([path]))
    many = any(not (Path(place).is_file()) for place in (options.target, options.source))
    if many and options.out.suffix.lower() in pictures.SAVED_AS:
        raise UsageError(f"there are many results: name a folder instead of {options.out}")
    if not many and options.out.suffix.lower() not in pictures.SAVED_AS:
        raise UsageError(f"{options.out} names no format: end it in {', '.join(pictures.SAVED_AS)}")
    model = MirrorMe.load(options.checkpoint)
    sources = list(_framed([options.source], model.size))
    rows, taken = [], set()
    for path, face in _framed([options.target]):
        row = []
        for source_path, source in sources:
            result = framing.put_back(face, model.move(face, source, options.strength, parts))
            result = pictures.label(result) if options.label else result
            out = _free(options.out / f"{path.stem}--{source_path.stem}.png", taken) if many else options.out
            pictures.save(result, out, options.strength)
            print(out)
            row.append(framing.cut(framing.Framed(result, face.box), THUMBNAIL))
        rows.append((path.stem, framing.cut(face, THUMBNAIL), row))
    if options.sheet:
        pictures.save(_sheet(rows, sources), options.sheet, options.strength)
        print(options.sheet)


def _free(path: Path, taken: set[Path]) -> Path:
    """Return the path, or with a number where this run has written it already (two folders, one file name)."""
    free, number = path, 1
    while free in taken:
        number += 1
        free = path.with_stem(f"{path.stem}-{number}")
    taken.add(free)
    return free


def _sheet(rows: list, sources: list):
    """Lay results out: sources across the top, targets down the side."""
    from . import framing, plots

    head = [None, *(framing.padded(face.picture, THUMBNAIL, "white") for _, face in sources)]
    grid = [head, *([target, *results] for _, target, results in rows)]
    names = ["", *(path.stem[:18] for path, _ in sources)]
    figure = plots.face_grid(grid, ["source"] + [name[:14] for name, *_ in rows], names, cell=1.1)
    return plots.picture_of(figure)


def read(options: argparse.Namespace) -> None:
    """Read each picture's largest face: 52 blendshape weights, or FECNet's numbers."""
    import pandas as pd

    if options.fecnet or options.embedding:
        import numpy as np

        from . import framing
        from .experiments import checkpoints
        from .networks import fecnet

        embedding = checkpoints.load_embedding(options.embedding or checkpoints.largest("fecnet"))

        def numbers(face):
            code = fecnet.embed(embedding, np.array(framing.cut(face, embedding.size))[None])[0]
            return pd.Series(code.numpy(), [f"e{i}" for i in range(1, len(code) + 1)])
    else:
        from .mirror import MirrorMe

        model = MirrorMe.load(options.checkpoint)
        numbers = model.read_framed
    rows = {path.as_posix(): numbers(face) for path, face in _framed(options.pictures)}
    table = pd.DataFrame(rows).T.rename_axis("image")
    text = table.to_csv(float_format="%.4f")
    if options.out:
        from . import files

        files.write(options.out, text)
        print(f"{options.out}: {len(table)} pictures, {table.shape[1]} numbers each")
    else:
        print(text, end="")


def bench(options: argparse.Namespace) -> None:
    """Score a checkpoint beside the baselines, or the embedding on photographs."""
    from .evaluation import scoring

    if options.photos:
        result = scoring.photos(
            options.photos, options.seed[0], options.checkpoint, options.embedding, options.outside
        )
    else:
        result = scoring.worlds(
            options.seed, options.checkpoint or "moving", options.pairs, options.groups, options.outside
        )
    if options.json:
        from . import files

        files.write(options.json, json.dumps(result, indent=1))


def clean(options: argparse.Namespace) -> None:
    """Clean everything; say what was left and what was lost."""
    from contextlib import nullcontext

    from .data import clean as cleaning
    from .data import engine, shards, sources

    where, how = sources.chosen(), {"ignore_noai": True} if options.ignore_noai else {}
    with nullcontext(engine.HERE) if options.ray is None else engine.on_ray(options.ray) as workers:
        cleaned = cleaning.ensure(ask=True, again=options.again, engine=workers, **how)
    print(cleaned.stages.to_string(), cleaned.cartoons.to_string(), sep="\n\n")
    missing = cleaned.cartoons.index[cleaned.cartoons.sum(axis=1) == 0]
    print(*(f"iCartoonFace's {track} track is missing; the other one is enough." for track in missing), sep="\n")
    if bad := len(cleaned.malformed):
        print(f"{bad:,} lines could not be read: see {where.folder / 'malformed.csv'}\n")
    print(cleaning.account(where))
    if options.shards:
        print(f"{len(shards.write(cleaned.faces, options.shards))} shards in {options.shards}")


def world(options: argparse.Namespace) -> None:
    """Build the mini world of the profile."""
    import os

    from .world import build

    print(f"mini world in {os.path.relpath(build.ensure())}")


def train(options: argparse.Namespace) -> None:
    """Train a network, or find that it is done, and print the scores of its card."""
    from . import distributed
    from . import train as trainings

    scores = trainings.run(options.network)
    if distributed.index() == 0:
        print(f"{options.network}: " + ", ".join(f"{name} {value:.2f}" for name, value in scores.items()))


def course(options: argparse.Namespace) -> int:
    """Run notebooks."""
    from . import course as running
    from .data import sources

    sources.chosen()  # builds the mini world, with its progress on the screen, before the first notebook needs it
    return running.run_all(options.only, options.out, options.store)


def app(options: argparse.Namespace) -> None:
    """Serve the last notebook as a page."""
    from .app import page

    page.serve(options.port, browser=not options.no_browser)


