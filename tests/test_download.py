"""MNIST's download, from a server that the test runs."""

import gzip
import hashlib
import http.server
import sys
import textwrap
import threading
from functools import partial
from pathlib import Path

import pytest

from mnistcore.data import download
from mnistcore.data.download import download_mnist, torchvision_mnist
from mnistcore.data.loading import load_dataset
from mnistcore.data.mnist import FILE_NAMES
from mnistcore.errors import DataError


@pytest.fixture
def mirror(mnist_folder, tmp_path, monkeypatch):
    """A mirror on this machine; torchvision is told of it and of its files' checksums."""
    files = tmp_path / "mirror"
    files.mkdir()
    resources = []
    for name in FILE_NAMES:
        content = gzip.compress((mnist_folder / "MNIST" / "raw" / name).read_bytes())
        (files / f"{name}.gz").write_bytes(content)
        resources.append((f"{name}.gz", hashlib.md5(content).hexdigest()))
    handler = partial(_Quiet, directory=str(files))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        script = f"""
            import sys
            from mnistcore.data import download
            mnist = download.torchvision_mnist()
            mnist.mirrors = ["http://127.0.0.1:{server.server_port}/"]
            mnist.resources = {resources!r}
            download._main(sys.argv[1])
        """
        command = [sys.executable, "-c", textwrap.dedent(script)]
        monkeypatch.setattr(download, "_COMMAND", command)
        yield files
        server.shutdown()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def test_a_download_ends_in_the_four_files_and_nothing_else(mirror, tmp_path, digits):
    seen = []
    train, _ = load_dataset(
        "mnist", tmp_path / "data", lambda done, total: seen.append((done, total))
    )
    assert len(train) == len(digits[0])
    assert all(0 < done <= total for done, total in seen)
    kept = {path.name for path in (tmp_path / "data" / "MNIST").iterdir()}
    assert kept <= {"raw", ".download.lock"}


def test_it_can_be_started_from_any_folder(mirror, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    download_mnist(Path("here"))
    assert len(list((tmp_path / "here" / "MNIST" / "raw").iterdir())) == 4


def test_a_download_with_a_wrong_checksum_leaves_nothing_behind(mirror, tmp_path):
    damaged = mirror / "train-labels-idx1-ubyte.gz"
    damaged.write_bytes(damaged.read_bytes()[:-1])
    with pytest.raises(DataError, match="could not be downloaded"):
        download_mnist(tmp_path / "data")
    assert not list((tmp_path / "data" / "MNIST" / "raw").iterdir())


def test_a_server_that_falls_silent_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(download, "_COMMAND", [sys.executable, "-c", "import time; time.sleep(60)"])
    monkeypatch.setattr(download, "_TIMEOUT_S", 0.3)
    with pytest.raises(DataError, match="connect to the internet"):
        download_mnist(tmp_path)


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "data").write_text("a file where a folder should be")
    with pytest.raises(DataError, match=r"cannot be stored in .*data"):
        download_mnist(tmp_path / "data")


def test_torchvision_can_be_used_beside_any_build_of_torch():
    assert torchvision_mnist().__name__ == "MNIST"
    assert Path(sys.modules["torchvision"].__file__).exists()
