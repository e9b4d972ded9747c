"""The command line: train, resume, runs, predict, evaluate, calibrate."""

import argparse
import json
import os
import shlex
import signal
import sys
from collections.abc import Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any, NoReturn

from mnistcore.errors import MnistError

# Threads that wait must sleep, or two trainings on one machine stand still; read at torch's import.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 if it worked, 2 with one line on standard error if it did not."""
    typed = sys.argv[1:] if arguments is None else list(arguments)
    try:
        options = _parser().parse_args(typed)
        options.typed = f"python -m mnistcore {shlex.join(typed)}"
        answer = options.command(options)
    except MnistError as error:
        print(f"mnistcore: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("mnistcore: stopped; a run that was training can be resumed.", file=sys.stderr)
        return 130
    if options.json:
        print(json.dumps(answer, allow_nan=False))
    return 0


class _Parser(argparse.ArgumentParser):
    """One whose complaints are like all others: one line, without the usage."""

    def error(self, message: str) -> NoReturn:
        raise MnistError(f"{message}: `python -m {self.prog} --help` says what can be typed.")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser("mnistcore", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--json", action="store_true", help="end with one JSON object")
    common.add_argument("--data", type=Path, help="folder that holds MNIST/raw ($MNIST_DATA)")
    common.add_argument("--runs", type=Path, help="folder of the runs ($MNIST_RUNS)")

    def command(name: str, function: Any, text: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=text, description=text, parents=[common])
        made.set_defaults(command=function)
        return made

    train = command("train", _train, "train a network; Ctrl+C stops, resume goes on")
    train.add_argument("--preset", default="fast", help="fast, notebook, plain, ...")
    train.add_argument("--name", default="", help="what to call the run")
    train.add_argument("--dataset", choices=("mnist", "digits", "mnist+digits"))
    _add_recipe(train)
    resume = command("resume", _resume, "go on with a run that was stopped or interrupted")
    resume.add_argument("run")
    command("runs", _runs, "list the runs")
    predict = command("predict", _predict, "read pictures or pen strokes")
    predict.add_argument("images", nargs="*", type=Path, metavar="IMAGE")
    predict.add_argument("--strokes", type=Path, help="a .jsonl or .jsonl.gz file of pen strokes")
    predict.add_argument("--layout", choices=("as-written", "filling"), default="as-written")
    evaluate = command("evaluate", _evaluate, "judge a network on the test images")
    evaluate.add_argument("--dataset", choices=("mnist", "digits", "mnist+digits"))
    calibrate = command("calibrate", _calibrate, "teach a finished network how sure it may be")
    calibrate.add_argument("--out", type=Path, required=True, help="the .safetensors to write")
    for reader in (predict, evaluate, calibrate):
        reader.add_argument("--model", default="shipped", help="shipped, a run, or a file")
    return parser


def _add_recipe(parser: argparse.ArgumentParser) -> None:
    """One option for each number of a recipe; what is not given is the preset's."""
    numbers: dict[str, type] = {
        "epochs": float,
        "batch_size": int,
        "learning_rate": float,
        "momentum": float,
        "beta2": float,
        "weight_decay": float,
        "label_smoothing": float,
        "train_size": int,
        "seed": int,
        "threads": int,
    }
    group = parser.add_argument_group("recipe")
    for name, kind in numbers.items():
        group.add_argument(f"--{name.replace('_', '-')}", type=kind, metavar="N")
    for name in ("optimiser", "schedule", "augmentation", "device", "precision"):
        group.add_argument(f"--{name}", metavar="NAME")
    net = parser.add_argument_group("network")
    net.add_argument("--convolutions", metavar="32@5,64@3", help="filters@window; '' for none")
    net.add_argument("--dense", metavar="64,32", help="hidden widths; '' for none")
    net.add_argument("--activation", metavar="NAME")
    net.add_argument("--dropout", type=float, metavar="SHARE")
    net.add_argument("--batch-norm", action=argparse.BooleanOptionalAction, default=None)


def _recipe(options: argparse.Namespace, images: int) -> Any:
    """The preset's recipe for so many images, with what the options change in it, checked."""
    from mnistcore import network, training
    from mnistcore.presets import PRESETS, suited

    if options.preset not in PRESETS:
        raise MnistError(f"There is no preset {options.preset!r}: use one of {', '.join(PRESETS)}.")
    recipe = suited(PRESETS[options.preset].recipe, images)

    def given(kind: type) -> dict[str, Any]:
        names = {f.name for f in fields(kind)} - {"network"}
        return {n: v for n, v in vars(options).items() if n in names and v is not None}

    layers = given(network.NetworkConfig)
    if "convolutions" in layers:
        layers["convolutions"] = network.parse_convolutions(layers["convolutions"])
    if "dense" in layers:
        layers["dense"] = network.parse_dense(layers["dense"])
    recipe = replace(
        recipe, **given(training.TrainConfig), network=replace(recipe.network, **layers)
    )
    training.check(recipe, images)
    return recipe


def _train(options: argparse.Namespace) -> dict[str, Any]:
    from mnistcore import data, runs

    _recipe(options, images=60_000)  # what is wrong is told before anything is loaded
    loaded = data.load_or_fall_back(options.dataset, options.data)
    recipe = _recipe(options, len(loaded.train))
    run = runs.create(
        asdict(recipe),
        preset=options.preset,
        name=options.name,
        dataset=loaded.train.dataset,
        data=options.data or data.data_folder(),
        command=options.typed,
        here=True,
        folder=options.runs,
    )
    if loaded.notice:
        print(loaded.notice, file=sys.stderr)
    return _work(run)


def _resume(options: argparse.Namespace) -> dict[str, Any]:
    from mnistcore import runs

    run = runs.find(options.run, options.runs)
    with runs.locked(run.path.parent):
        state = run.status().state
        if state not in runs.RESUMABLE:
            raise MnistError(f"The run {run.id} is {state}: there is nothing to go on with.")
        runs.queue(run, here=True)
    return _work(run)


def _work(run: Any) -> dict[str, Any]:
    """Train in this process, with a bar on standard error; Ctrl+C stops it, a second ends it."""
    from tqdm import tqdm

    from mnistcore import runs, turns, worker
    from mnistcore.training import Progress

    def stop(*_: object) -> None:
        signal.signal(signal.SIGINT, before)
        runs.write_atomically(run.path / "control", b"stop")

    print(f"run {run.id}", file=sys.stderr)
    with tqdm(unit=" images", unit_scale=True, file=sys.stderr) as bar:

        def show(progress: Progress) -> None:
            bar.total = progress.images // max(progress.step, 1) * progress.steps
            bar.update(progress.images - bar.n)
            if progress.test_accuracy is not None and progress.loss is not None:
                bar.set_postfix(loss=f"{progress.loss:.3f}", test=f"{progress.test_accuracy:.2%}")

        before = signal.signal(signal.SIGINT, stop)
        try:
            result = worker.work(run, show)
        finally:
            interrupted = signal.signal(signal.SIGINT, before) is not stop
            turns.dispatch(run.path.parent)
    if result:
        print(
            f"{result['test_accuracy']:.2%} of {result['test_count']:,} test images right, "
            f"{result['train_accuracy']:.2%} of {result['train_count']:,} training images; "
            f"{result['seconds']:.1f} s of training",
            file=sys.stderr,
        )
    if interrupted and run.status().state != "finished":
        raise KeyboardInterrupt
    return result


def _runs(options: argparse.Namespace) -> dict[str, Any]:
    from mnistcore import runs

    listed = []
    for run in runs.list_runs(options.runs):
        status = run.status()
        listed.append(
            {"run": run.id, "name": run.name, "state": status.state, "result": status.result}
        )
        accuracy = status.result.get("test_accuracy")
        if not options.json:
            shown = f"{accuracy:.2%}" if accuracy is not None else "-"
            print(f"{run.id}  {status.state:<12} {shown:>7}  {run.name}")
    return {"runs": listed}


def _predict(options: argparse.Namespace) -> dict[str, Any]:
    import torch

    from mnistcore import drawing, ink, predict, strokes

    model = predict.load_model(options.model, options.runs)
    if bool(options.images) == bool(options.strokes):
        raise MnistError("Give pictures to read, or --strokes FILE: one of the two.")
    if options.strokes:
        examples = strokes.read_strokes(options.strokes)
        sources = [f"{options.strokes}:{line}" for line in range(1, len(examples) + 1)]
        labels = [label for label, _, _ in examples]
        pictures = [
            drawing.from_strokes(strokes.layout(written, options.layout))
            for _, _, written in examples
        ]
    else:
        sources = [str(path) for path in options.images]
        labels = [None] * len(sources)
        pictures = [drawing.from_bitmap(ink.open_image(path)) for path in options.images]
    torch.set_num_threads(1)
    nothing = "There is no digit to be seen."
    readings = [predict.read(model, picture, nothing) for picture in pictures]
    answer: dict[str, Any] = {
        "model": model.name,
        "predictions": [
            {"source": source, "digit": reading.digit, "probabilities": reading.probabilities}
            for source, reading in zip(sources, readings, strict=True)
        ],
    }
    pairs = zip(readings, labels, strict=True)
    known = [(reading.digit, label) for reading, label in pairs if label is not None]
    if known:
        accuracy = sum(digit == label for digit, label in known) / len(known)
        answer |= {"accuracy": accuracy, "count": len(known)}
        print(f"{accuracy:.2%} of {len(known):,} right", file=sys.stderr)
    elif not options.json:
        for source, reading in zip(sources, readings, strict=True):
            print(f"{source}: {reading.sentence}")
    return answer


def _evaluate(options: argparse.Namespace) -> dict[str, Any]:
    from mnistcore import data, plain, predict, training

    model = predict.load_model(options.model, options.runs)
    loaded = data.load_or_fall_back(options.dataset, options.data)
    if loaded.notice:
        print(loaded.notice, file=sys.stderr)
    score = training.evaluate(model.network, loaded.test)
    if not options.json:
        print(f"{score.accuracy:.2%} of {score.count:,} test images right, loss {score.loss:.4f}")
    return {
        "model": model.name,
        "dataset": loaded.test.dataset,
        "test_accuracy": score.accuracy,
        "test_loss": plain.finite_or_none(score.loss),
        "count": score.count,
    }


def _calibrate(options: argparse.Namespace) -> dict[str, Any]:
    from mnistcore import data, doubt, predict, training

    path = predict.source(options.model, options.runs)
    if path.suffix != ".safetensors":
        raise MnistError("This network is still learning: calibrate it when it has finished.")
    network, card = predict.load_network(path)
    train, test = data.load("mnist", options.data)
    temperature = doubt.calibrate(network, train)
    fitted = doubt.fit(network, train)
    score = training.evaluate(network, test)
    card |= {"calibration": options.typed, "test_loss": score.loss}
    card["temperature"] = temperature * card.get("temperature", 1.0)
    predict.save_network(network, options.out, doubt=fitted, **card)
    if not options.json:
        print(f"{options.out}: temperature {temperature:.2f}, loss {score.loss:.4f} on the test")
    return {"file": str(options.out), "temperature": temperature, "test_loss": score.loss}


if __name__ == "__main__":
    sys.exit(main())
