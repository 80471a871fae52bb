"""A host that misbehaves on command, for all tests of the downloads."""

import pytest
from rude_server import Server


@pytest.fixture
def server():
    server = Server()
    yield server
    server.close()
