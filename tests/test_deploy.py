"""What deploy/ names is there: by hand it is run rarely, so a test reads it at every change."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"


def read(name: str) -> str:
    return (DEPLOY / name).read_text()


def test_the_container_holds_what_the_app_needs():
    copied = re.findall(r"^COPY (\S+) ", read("Containerfile"), re.M)
    lists = {"requirements.txt", "requirements-export.txt"}
    assert {*copied} == {*lists, ".streamlit", "mnistcore", "pages", "app.py"}
    assert all((ROOT / name).exists() for name in copied)


def test_the_containers_python_is_one_that_is_supported():
    version = re.search(r"FROM python:(\S+)-slim", read("Containerfile"))[1]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["requires-python"] == f">={version}"  # the oldest that the tests run on


def test_container_service_and_readme_start_the_same_app():
    start = "-m streamlit run app.py"
    command = re.search(r"^CMD (.*)", read("Containerfile"), re.M)[1]
    assert start in re.sub(r'[",\[\]]+', "", command)
    assert start in read("digits@.service")
    assert start in (ROOT / "README.md").read_text()


def test_nginx_leads_to_the_servers_that_there_are():
    compose, nginx = read("compose.yaml"), read("nginx.conf")
    servers = re.findall(r"upstream (\w+)", read("servers.conf"))
    assert re.findall(r"upstream (\w+)", compose) == servers
    assert {*re.findall(r"(\w+) \w+;", re.search(r"map \$first \$next {(.*)}", nginx)[1])} == {
        *servers
    }
    for name in servers:
        (address,) = re.findall(rf"upstream {name} {{ server ([\d.]+):8501; }}", compose)
        assert re.search(
            rf"^  {name}:\n    <<: .*\n.*\n.*\n +ipv4_address: {address}$", compose, re.M
        )
    for path in re.findall(r"\./(\S+?):", compose):
        assert (DEPLOY / path).is_file()
    assert (ROOT / re.search(r"dockerfile: (\S+)", compose)[1]).is_file()
    mounted = {*re.findall(r"(/etc/ssl/\S+?):", compose)}
    assert mounted == {*re.findall(r"ssl_certificate\w* (\S+);", nginx)}


def test_one_name_of_the_site_stands_everywhere():
    for name in ("nginx.conf", "compose.yaml", "digits@.service"):
        assert "digits.school.example" in read(name), name
