"""`pip install .`: what the package brings along, tried with the wheel that pip builds."""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from email import message_from_string
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

ROOT = Path(__file__).parents[1]
COMMAND = """
import sys
from importlib.metadata import entry_points
(command,) = entry_points(group="console_scripts", name="mnistcore")
sys.exit(command.load()())
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """Built from a copy, because setuptools leaves files beside what it builds; no network."""
    copy = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "requirements.txt", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "mnistcore", copy / "mnistcore", ignore=ignored)
    shutil.copytree(ROOT / "pages", copy / "pages", ignore=ignored)  # the app is no part of it
    pip = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--no-index"]
    built = subprocess.run(
        [*pip, "--wheel-dir", "dist", "."], cwd=copy, capture_output=True, text=True, timeout=120
    )
    assert built.returncode == 0, built.stdout + built.stderr
    (path,) = (copy / "dist").glob("*.whl")
    return zipfile.ZipFile(path)


def test_the_package_holds_every_module_and_the_pretrained_network(wheel):
    packed = {name for name in wheel.namelist() if ".dist-info/" not in name}
    ours = {path for path in (ROOT / "mnistcore").rglob("*") if "__pycache__" not in path.parts}
    assert packed == {path.relative_to(ROOT).as_posix() for path in ours if path.is_file()}
    assert any(name.endswith("/pretrained/shipped.safetensors") for name in packed)


def test_the_package_requires_what_is_in_requirements_txt(wheel):
    (name,) = (each for each in wheel.namelist() if each.endswith(".dist-info/METADATA"))
    told = message_from_string(wheel.read(name).decode()).get_all("Requires-Dist")
    written = re.findall(r"^[a-z].*", (ROOT / "requirements.txt").read_text(), re.M)
    assert written
    assert told == written


def test_the_installed_command_reads_a_picture_with_the_pretrained_network(wheel, tmp_path):
    wheel.extractall(tmp_path / "site")
    picture = Image.new("L", (100, 100), 255)
    ImageDraw.Draw(picture).line((50, 15, 50, 85), fill=0, width=8)
    picture.save(tmp_path / "one.png")
    result = subprocess.run(
        [sys.executable, "-c", COMMAND, "predict", "one.png", "--json"],
        cwd=tmp_path,  # where no other mnistcore can be imported from
        env=os.environ | {"PYTHONPATH": str(tmp_path / "site")},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout.splitlines()[-1])["predictions"][0]["digit"] == 1
