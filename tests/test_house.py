"""The house rules: imports run one way, pages stay short, what the documents name is there."""

import ast
import re
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import mnistcore
from pages.common import state

ROOT = Path(__file__).parents[1]
FLOORS = ("mnistcore", "pages/common", "pages/parts", "pages", "app.py")  # each uses those before


def modules(floor: str) -> list[Path]:
    """The modules of a floor, with those in its folders; of `pages` the pages alone."""
    path = ROOT / floor
    if path.is_file():
        return [path]
    return sorted(path.glob("*.py") if floor == "pages" else path.rglob("*.py"))


def imported(path: Path) -> set[str]:
    """The modules that a file imports, with dots, wherever in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def test_the_core_never_imports_streamlit_or_pages():
    for path in modules("mnistcore"):
        for name in imported(path):
            assert name.split(".")[0] not in ("streamlit", "pages", "app"), path


def test_imports_run_one_way():
    for number, floor in enumerate(FLOORS[1:4], start=1):
        above = [
            str(p.relative_to(ROOT))[:-3].replace("/", ".")
            for each in FLOORS[number + 1 :]
            for p in modules(each)
        ]
        for path in modules(floor):
            assert not imported(path) & {*above}, path


def test_no_imports_go_round_in_circles():
    named = {
        str(path.relative_to(ROOT)).removesuffix(".py").replace("/", "."): path
        for floor in FLOORS
        for path in modules(floor)
    }
    order = TopologicalSorter({name: imported(path) & {*named} for name, path in named.items()})
    order.prepare()  # raises CycleError, with the circle


def test_every_module_opens_with_one_line_of_what_it_is_for():
    for folder in FLOORS:
        for path in modules(folder):
            words = ast.get_docstring(ast.parse(path.read_text())) or ""
            assert words.splitlines()[:1] != [], path
            assert words.splitlines()[0].endswith("."), path


def test_pages_stay_under_150_lines():
    for path in modules("pages"):
        assert len(path.read_text().splitlines()) < 150, path


def test_listing_runs_and_opening_the_first_page_need_no_torch():
    code = (
        "import sys, mnistcore.runs.store, mnistcore.runs.worker, mnistcore.presets, mnistcore;"
        "print('torch' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert result.stdout.strip() == "False", result.stderr


def test_every_public_name_is_there_and_documented():
    for name in mnistcore.__all__:
        assert getattr(mnistcore, name).__doc__, name
    with pytest.raises(AttributeError, match="no attribute 'magic'"):
        _ = mnistcore.magic


def test_the_tree_in_architecture_md_is_the_tree():
    text = (ROOT / "ARCHITECTURE.md").read_text()
    tree = re.search(r"```text\n(app\.py.*?)```", text, re.S).group(1)
    told = [line.split()[0] for line in tree.splitlines() if line.strip()]
    assert len(told) == len(set(told))
    tracked = subprocess.run(
        ["git", "ls-files"], capture_output=True, text=True, cwd=ROOT, check=True
    ).stdout.split()
    code = re.compile(r"(app|(mnistcore|pages|benchmarks)/.*)\.py")
    missing = {name for name in tracked if code.fullmatch(name) and name not in told}
    assert not {name for name in missing if not name.endswith("__init__.py")}
    gone = {name for name in told if not (ROOT / name).exists()}
    assert not gone


def test_what_the_documents_name_is_there():
    for document in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")):
        text = document.read_text()
        for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
            assert (document.parent / link).exists(), (document, link)
        headings = re.findall(r"^#+ (.*)", text, re.M)
        anchors = {re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in headings}
        assert set(re.findall(r"\]\(#([^)]+)\)", text)) <= anchors, document
        for script in re.findall(r"(?:benchmarks|tests)/[\w/]+\.py", text):
            assert (ROOT / script).is_file(), (document, script)
        for test in re.findall(r"`(test_\w+)`", text):
            named = (path for path in (ROOT / "tests").rglob("*.py") if test in path.read_text())
            assert any(named), (document, test)


def test_the_test_command_is_the_same_everywhere():
    ran = (ROOT / ".ci" / "run").read_text()
    command = re.search(r"^(python3 -m venv .*-m pytest)\b", ran, re.M).group(1)
    assert f"\n{command}\n" in (ROOT / "README.md").read_text()
    assert "bash .ci/run" in (ROOT / ".github" / "workflows" / "tests.yml").read_text()


def test_nothing_is_unpickled():
    for path in (p for folder in FLOORS[:4] for p in modules(folder)):
        for call in re.findall(r"torch\.load\([^)]*\)", path.read_text()):
            assert "weights_only=True" in call, path
        assert "pickle.load" not in path.read_text(), path


def test_what_errors_and_runs_say_is_shown_letter_by_letter():
    """They quote visitors, names of files and folders: nothing in them is Markdown."""
    plain = (
        "escape_markdown",
        "escape",  # of html
        "live_region",
        "set_exception",
    )  # these show it as it is, or not at all
    for path in (p for folder in FLOORS[1:] for p in modules(folder)):
        tree = ast.parse(path.read_text())
        parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
        caught = {n.name for n in ast.walk(tree) if isinstance(n, ast.ExceptHandler) and n.name}
        for node in ast.walk(tree):
            said = isinstance(node, ast.Name) and node.id in caught
            said |= isinstance(node, ast.Attribute) and node.attr == "message"
            place = node
            while said and not isinstance(place, ast.stmt):
                place = parents[place]
                if isinstance(place, ast.Call):
                    break
            if said and not isinstance(place, ast.Raise | ast.If):
                told = isinstance(place, ast.Call) and ast.unparse(place.func).split(".")[-1]
                assert told in plain, f"{path}:{node.lineno}: {ast.unparse(place)}"


def pages_code() -> list[tuple[Path, ast.AST]]:
    """Every node of every module of the app's pages, with its module."""
    paths = [path for floor in FLOORS[1:] for path in modules(floor)]
    return [(path, node) for path in paths for node in ast.walk(ast.parse(path.read_text()))]


def test_what_is_kept_of_a_visit_goes_by_the_keys_of_one_module():
    home = ROOT / "pages" / "common" / "state.py"
    kept = {each for each in vars(state).values() if isinstance(each, state.Key)}
    used_in: dict[str, Path] = {}  # keys of widgets that nobody reads
    for path, node in pages_code():
        where = f"{path}:{getattr(node, 'lineno', 0)}"
        if path != home and isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            used = f"{node.value.id}.{node.attr}"
            assert used not in ("st.session_state", "st.query_params"), where
        for word in node.keywords if isinstance(node, ast.Call) else ():
            if word.arg == "key" and isinstance(word.value, ast.Constant):
                assert word.value.value not in kept, where
                assert used_in.setdefault(word.value.value, path) == path, where


def test_links_are_made_in_one_module():
    home = ROOT / "pages" / "common" / "links.py"
    for path, node in pages_code():
        where = f"{path}:{getattr(node, 'lineno', 0)}"
        if path != home and isinstance(node, ast.Attribute):
            assert node.attr not in ("page_link", "switch_page"), where


def test_what_one_module_alone_uses_stands_beside_it():
    users = [path for floor in FLOORS[1:] for path in modules(floor)]
    for module in modules("pages/common"):
        name = f"pages.common.{module.stem}"
        count = sum(name in imported(path) for path in users if path != module)
        assert count > 1, f"{name}: {count}"
