"""What can be taken home of a run: seconds, sizes, and whether page and notebook read as well.

    python benchmarks/export.py --data DIR [--presets fast notebook] [--execute]

Each preset is trained, and every file made of it; the page's rounded weights are tried on the test
images. --execute also runs the notebook, and compares
the test accuracy that it reaches with that of the run.
"""

import argparse
import re
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

import nbformat
import torch
from nbclient import NotebookClient

from mnistcore.data.digits import Digits, to_model_input
from mnistcore.data.loading import load_dataset
from mnistcore.export.files import make_file
from mnistcore.export.formats import FORMATS, PAGE
from mnistcore.export.quantization import bits_for, quantized_network
from mnistcore.export.subject import Subject, load_subject
from mnistcore.presets import PRESETS
from mnistcore.runs import store, worker

MEND = "from mnistcore.data.download import torchvision_mnist; torchvision_mnist()"


def main() -> None:
    """Train, export, print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder that holds MNIST/raw")
    parser.add_argument("--presets", nargs="+", choices=PRESETS, default=["fast", "notebook"])
    parser.add_argument("--execute", action="store_true", help="run the notebooks, too")
    options = parser.parse_args()
    _, test = load_dataset("mnist", options.data)
    print("| preset | file | seconds | kB |\n| --- | --- | ---: | ---: |", flush=True)
    told, rounded = [], []
    with tempfile.TemporaryDirectory() as scratch:
        for preset in options.presets:
            run = store.create_run(
                PRESETS[preset].config,
                preset=preset,
                dataset="mnist",
                data=options.data,
                here=True,
                folder=Path(scratch),
            )
            result = worker.run_training(run, lambda progress: None)
            subject = load_subject(run.id, Path(scratch))
            for file in (file for files in FORMATS.values() for file in files):
                started = time.perf_counter()
                content = make_file(subject, file, lambda: test)
                seconds = time.perf_counter() - started
                row = f"| {preset} | {file.name} | {seconds:.2f} | {len(content) / 1000:.1f} |"
                print(row, flush=True)
                if file.name == PAGE:
                    rounded.append((preset, told_rounded(subject, test)))
                if options.execute and file.name.endswith(".ipynb"):
                    reached = execute(content.decode(), Path(scratch), options.data.resolve())
                    told.append((preset, result.test_accuracy, reached))
    for preset, change in rounded:
        print(f"{preset}: {change}")
    for preset, ran, reached in told:
        print(f"{preset}: the run reads {ran:.2%} of the test images right, its notebook {reached}")


@torch.inference_mode()
def told_rounded(subject: Subject, test: Digits) -> str:
    """What rounding its weights for the page costs on the test images."""
    bits = bits_for(subject.network.config)
    networks = subject.network.eval(), quantized_network(subject.network, bits)
    images = to_model_input(test.images)
    exact, page = (network(images).argmax(1) for network in networks)
    accuracies = [f"{(said == test.labels).float().mean():.2%}" for said in (exact, page)]
    return (
        f"{accuracies[0]} of the test images read right; {accuracies[1]} by the page, with {bits} "
        f"bits a weight, where {int((exact != page).sum())} answers differ"
    )


def execute(notebook: str, folder: Path, data: Path) -> str:
    """The test accuracy that a notebook prints, with the app's copy of MNIST."""
    link = folder / "data"
    if not link.exists():
        link.symlink_to(data)
    opened = nbformat.reads(notebook, as_version=4)
    opening = f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{MEND}"  # where torchvision is amiss
    opened.cells.insert(0, nbformat.v4.new_code_cell(opening))
    NotebookClient(opened, timeout=None, resources={"metadata": {"path": str(folder)}}).execute()
    outputs = [each for cell in opened.cells for each in cell.get("outputs", [])]
    text = "".join(each.get("text", "") for each in outputs)
    return re.findall(r"([\d.]+%) of [\d,]+ test images right", text)[-1]


if __name__ == "__main__":
    main()
