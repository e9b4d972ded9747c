"""Command line: train, resume, runs, predict, evaluate, calibrate, export."""

import argparse
import contextlib
import io
import json
import os
import shlex
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TextIO, get_type_hints

from mnistcore import config, serialization
from mnistcore.config import NetworkConfig, TrainConfig
from mnistcore.errors import MnistError
from mnistcore.export.formats import FORMATS
from mnistcore.presets import PRESET_IDS, PRESETS, scale_epochs
from mnistcore.records import OLD_FINE_TUNE_NAMES, Progress, RunResult
from mnistcore.runs import queue, store, worker
from mnistcore.runs.store import Run
from mnistcore.training import torchrun
from mnistcore.training.twins import CHANGES, twin_of

if TYPE_CHECKING:  # it brings torch
    from mnistcore.data.digits import Digits

# Threads that wait must sleep, or two trainings on one machine stand still; read at torch's import.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

Answer = tuple[dict[str, Any], list[str]]
"""What a command has found out, as --json prints it and as lines to read."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 if it worked, 2 with one line on standard error if it did not."""
    typed = sys.argv[1:] if arguments is None else list(arguments)
    _prepare_streams()
    try:
        options = _parser().parse_args(typed)
        starter = "torchrun" if torchrun.launched() else "python"
        options.typed = f"{starter} -m mnistcore {shlex.join(typed)}"
        answer, lines = options.command(options)
        if not torchrun.is_first():
            return 0
        with _answering():
            for line in [json.dumps(answer, allow_nan=False)] if options.json else lines:
                print(line)
        return 0
    except KeyboardInterrupt:
        what, status = "stopped; a run that was training can be resumed.", 130
    except BrokenPipeError:  # whoever read it has seen enough
        _abandon(sys.stdout, sys.stderr)
        return 141  # as a shell says it of a program that SIGPIPE ended
    except (MnistError, OSError) as error:
        what, status = str(error), 2
    if not torchrun.is_first():  # which says the same
        return status
    try:
        print("mnistcore:", " ".join(what.splitlines()), file=sys.stderr)
    except OSError:
        _abandon(sys.stderr)
    return status


def _abandon(*streams: TextIO) -> None:
    """What is left to be written to these is dropped, or Python would try again as it ends."""
    for stream in streams:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _prepare_streams() -> None:
    """Let whatever is printed go somewhere: closed streams, and names in no known letters."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


@contextlib.contextmanager
def _answering() -> Iterator[None]:
    """What standard output refuses is told in words."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        _abandon(sys.stdout)
        raise MnistError(
            f"The answer cannot be written ({error.strerror}): make room, or send it elsewhere."
        ) from error


class _Parser(argparse.ArgumentParser):
    """One whose complaints are like all others: one line, without the usage."""

    def error(self, message: str) -> NoReturn:
        raise MnistError(f"{message}: `python -m {self.prog} --help` says what can be typed.")

    def print_help(self, file: Any = None) -> None:
        with _answering():  # what argparse itself cannot print it drops without a word
            print(self.format_help(), end="", file=file)


def _folder(text: str) -> Path:
    path, possible = Path(text), False
    with contextlib.suppress(UnicodeEncodeError):  # half a character is in no path
        possible = bool(os.fsencode(text)) and (path.is_dir() or not path.exists())
    if not possible:
        raise argparse.ArgumentTypeError(f"{text!r} is not a folder")
    return path


def _parser() -> argparse.ArgumentParser:
    parser = _Parser("mnistcore", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    common = _Parser(add_help=False)
    common.add_argument("--json", action="store_true", help="end with one JSON object")
    for name, what in (("data", "that holds MNIST/raw"), ("runs", "of the runs")):
        known = f"MNIST_{name.upper()}"
        help = f"folder {what} (${known}, or else {name})"
        default = os.environ.get(known) or name
        common.add_argument(f"--{name}", type=_folder, default=default, help=help)

    def command(name: str, function: Any, text: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=text, description=text, parents=[common])
        made.set_defaults(command=function)
        return made

    train = command("train", _train, "train a network; Ctrl+C stops, resume goes on")
    train.add_argument("--preset", default="fast", help="fast, notebook, plain, ...")
    train.add_argument("--name", default="", help="what to call the run")
    train.add_argument(
        "--twin", choices=CHANGES, help="train the same again but for one change, in step with it"
    )
    _add_recipe(train)
    resume = command("resume", _resume, "go on with a run that was stopped or interrupted")
    resume.add_argument("run")
    command("runs", _runs, "list the runs")
    predict = command("predict", _predict, "read pictures or pen strokes")
    predict.add_argument("images", nargs="*", type=Path, metavar="IMAGE")
    predict.add_argument("--strokes", type=Path, help="a .jsonl or .jsonl.gz file of pen strokes")
    predict.add_argument("--layout", choices=("as-written", "filling"), default="as-written")
    evaluate = command("evaluate", _evaluate, "judge a network on the test images")
    calibrate = command("calibrate", _calibrate, "teach a finished network how sure it may be")
    calibrate.add_argument("--out", type=Path, required=True, help="the .safetensors to write")
    help = "folder of .ttf and .otf fonts, best handwriting: their letters are no digits"
    calibrate.add_argument("--fonts", type=_folder, metavar="FOLDER", help=help)
    export = command("export", _export, "take a network home: files that others open")
    export.add_argument("model", metavar="RUN", help="shipped, a run, or a file")
    export.add_argument("--to", default="all", choices=(*FORMATS, "all"), help="which files (all)")
    export.add_argument(
        "--out", type=_folder, default=Path(), metavar="FOLDER", help="where to (here)"
    )
    for learner in (train, evaluate):
        learner.add_argument(
            "--dataset", choices=("mnist", "digits", "mnist+digits", "mnist+digits+drawn")
        )
    for reader in (predict, evaluate, calibrate):
        reader.add_argument("--model", default="shipped", help="shipped, a run, or a file")
    return parser


def _add_recipe(parser: argparse.ArgumentParser) -> None:
    """One option for each setting; what is not given is the preset's."""
    net, recipe = parser.add_argument_group("network"), parser.add_argument_group("recipe")
    ways = ", ".join(map(config.defect_form, config.DEFECTS))
    help = f"{config.HELP['kind']} One of {ways}."
    parse_defect = config.parse_defect
    recipe.add_argument("--spoil", dest="defect", metavar="KIND=N,N", type=parse_defect, help=help)
    maps, widths = "filters@window; '' for none", "hidden widths; '' for none"
    parse = config.parse_convolutions
    net.add_argument("--convolutions", metavar="32@5,64@3", type=parse, help=maps)
    net.add_argument("--dense", metavar="64,32", type=config.parse_dense, help=widths)
    for group, kind in ((net, NetworkConfig), (recipe, TrainConfig)):
        types = get_type_hints(kind)
        for name, setting in config.settings(kind).items():
            more: dict[str, Any] = {"metavar": "NAME"}
            if number := {float: float, int: int, int | None: int}.get(types[name]):
                more = {"type": number, "metavar": "N"}
            elif types[name] is bool:
                more = {"action": argparse.BooleanOptionalAction}
            old = ["--optimiser"] if name == "optimizer" else []
            help = setting.help.replace("%", "%%")
            group.add_argument(f"--{name.replace('_', '-')}", *old, help=help, **more)


def _configured(options: argparse.Namespace, images: int) -> tuple[TrainConfig, TrainConfig | None]:
    """The preset for so many images, with what the options change in it, checked; and its twin."""
    from mnistcore.training.trainer import pick_device

    options.preset = PRESET_IDS.get(options.preset, options.preset)  # it may be a title
    if options.preset not in PRESETS:
        raise MnistError(f"There is no preset {options.preset!r}: use one of {', '.join(PRESETS)}.")
    given = {name: value for name, value in vars(options).items() if value is not None}
    recipe = scale_epochs(PRESETS[options.preset].config, images)
    in_network, in_recipe = (
        {each.name: given[each.name] for each in fields(part) if each.name in given}
        for part in (recipe.network, recipe)
    )
    recipe = replace(recipe, **in_recipe, network=replace(recipe.network, **in_network))
    config.check(recipe, images)
    torchrun.check(recipe, images, twin=options.twin is not None)
    pick_device(recipe.device)
    return recipe, twin_of(recipe, options.twin, images) if options.twin else None


def _train(options: argparse.Namespace) -> Answer:
    from mnistcore.data.loading import load_or_fall_back

    # What is wrong is told before anything is loaded.
    _configured(options, images=60_000)
    store.require_writable(options.runs)
    loaded = load_or_fall_back(options.dataset, options.data)
    recipe, twin = _configured(options, len(loaded.train))
    if known := torchrun.recall_run():  # to train along, or started anew
        options.run = known
        return _resume(options)
    run = store.create_run(
        recipe,
        twin=twin,
        preset=options.preset,
        name=options.name,
        dataset=loaded.train.dataset,
        data=options.data,
        command=options.typed,
        here=True,
        folder=options.runs,
    )
    torchrun.remember_run(run.id)
    if loaded.notice:
        print(loaded.notice, file=sys.stderr)
    return _work(run)


def _resume(options: argparse.Namespace) -> Answer:
    from mnistcore.training import distributed
    from mnistcore.training.trainer import pick_device

    run = store.find_run(options.run, options.runs)
    run = run.leader or run  # with which it goes on
    torchrun.check(run.train_config(), twin=run.twin is not None)
    if not torchrun.is_first():
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first stops, and tells the others
        with distributed.process_group():
            worker.follow_training(run)
        return {}, []
    with store.locked(run.path.parent):
        state = run.status().state
        if state not in store.RESUMABLE:
            raise MnistError(f"The run {run.id} is {state}: there is nothing to go on with.")
        pick_device(run.train_config().device)
        store.enqueue(run, here=True)
    return _work(run)


def _work(run: Run) -> Answer:
    """Train in this process, with a bar on standard error; Ctrl+C stops it, a second ends it."""
    from tqdm import tqdm

    from mnistcore.training import distributed

    def stop(*_: object) -> None:
        # torchrun passes a Ctrl+C on to those who have had it.
        signal.signal(signal.SIGINT, signal.SIG_IGN if torchrun.launched() else before)
        store.write_atomically(run.path / "control", b"stop")

    print(f"run {run.id}", file=sys.stderr)
    if defect := run.train_config().defect:
        print(f"spoiled on purpose: {defect}", file=sys.stderr)
    with tqdm(unit=" images", unit_scale=True, file=sys.stderr) as bar:

        def show(progress: Progress) -> None:
            bar.total = progress.images // max(progress.step, 1) * progress.total_steps
            try:
                bar.update(progress.images - bar.n)
                if progress.test_accuracy is not None and progress.loss is not None:
                    test = f"{progress.test_accuracy:.2%}"
                    bar.set_postfix(loss=f"{progress.loss:.3f}", test=test)
            except OSError:  # nobody watches any more
                bar.disable = True
                stop()

        before = signal.signal(signal.SIGINT, stop)
        try:
            with distributed.process_group():
                result = worker.run_training(run, show)
        finally:
            interrupted = signal.signal(signal.SIGINT, before) is not stop
            queue.dispatch(run.path.parent)
    twins = run.twin.status().result if run.twin else None
    _print_result("", result)
    _print_result("its twin: ", twins)
    if interrupted and run.status().state != "finished":
        raise KeyboardInterrupt
    return _result_in_json(result) | ({"twin": _result_in_json(twins)} if twins else {}), []


def _print_result(whose: str, result: RunResult | None) -> None:
    if result is None or not result.is_evaluated:
        return
    right = f"{result.test_accuracy:.2%} of {result.test_count:,} test images right"
    learned = f"{result.train_accuracy:.2%} of {result.train_count:,} training images"
    if result.true_train_accuracy is not None:
        learned += f" as they are labelled, {result.true_train_accuracy:.2%} as what they are"
    print(f"{whose}{right}, {learned}; {result.seconds:.1f} s of training", file=sys.stderr)


def _result_in_json(result: RunResult | None) -> dict[str, Any]:
    """A result under the names that --json promises, which are those of format 1."""
    if result is None:
        return {}
    if result.diverged:
        return {"ended": "diverged"}
    values = asdict(result)
    del values["diverged"], values["fine_tune"]
    values["weights"] = values.pop("num_params")
    if not result.confusion:  # a run of before, or one that was taught by hand
        del values["confusion"], values["true_train_accuracy"]
    if result.fine_tune is not None:
        for unknown in ("weights", "epochs", "images_per_second"):
            del values[unknown]
        tuned = asdict(result.fine_tune)
        values |= {old: tuned[name] for old, name in OLD_FINE_TUNE_NAMES.items()}
    return values


def _runs(options: argparse.Namespace) -> Answer:
    listed, lines = [], []
    for run in store.list_runs(options.runs):
        status = run.status()
        result = _result_in_json(status.result)
        listed.append({"run": run.id, "name": run.name, "state": status.state, "result": result})
        accuracy = result.get("test_accuracy")
        shown = f"{accuracy:.2%}" if accuracy is not None else "-"
        lines.append(f"{run.id}  {status.state:<12} {shown:>7}  {run.name}")
    return {"runs": listed}, lines


def _export(options: argparse.Namespace) -> Answer:
    from mnistcore.data.loading import load_dataset
    from mnistcore.export.files import write_files
    from mnistcore.export.subject import load_subject

    subject = load_subject(options.model, options.runs)
    formats = list(FORMATS) if options.to == "all" else [options.to]
    written = {}

    def test_set() -> "Digits":
        return load_dataset(subject.dataset, options.data)[1]

    def report(done: float, of: float) -> None:
        print(f"film: {done / of:4.0%}", end="\r", file=sys.stderr)

    for path in write_files(subject, formats, options.out, test_set, report):
        print(f"wrote {path}", file=sys.stderr)
        written[str(path)] = path.stat().st_size
    return {"files": written}, [f"{size:>9,} bytes  {name}" for name, size in written.items()]


def _predict(options: argparse.Namespace) -> Answer:
    import torch

    from mnistcore.drawing import strokes, vectorize
    from mnistcore.drawing.rasterize import from_bitmap, from_strokes
    from mnistcore.inference import predict
    from mnistcore.models.registry import load_model

    model = load_model(options.model, options.runs)
    if bool(options.images) == bool(options.strokes):
        raise MnistError("Give pictures to read, or --strokes FILE: one of the two.")
    examples: list[tuple[str, int | None, torch.Tensor | None]] = []
    if options.strokes:
        for line, (label, _, drawn) in enumerate(strokes.read_strokes(options.strokes), 1):
            picture = from_strokes(strokes.place_on_canvas(drawn, options.layout))
            examples.append((f"{options.strokes}:{line}", label, picture))
    for path in options.images:
        examples.append((str(path), None, from_bitmap(vectorize.open_image(path))))
    torch.set_num_threads(1)
    predictions, sentences, right = [], [], []
    for source, label, picture in examples:
        reading = predict.predict(model, picture, "There is no digit to be seen.", averaged=True)
        answer = {"digit": reading.digit, "probabilities": reading.probabilities}
        predictions.append({"source": source} | answer)
        sentences.append(f"{source}: {reading.sentence}")
        if label is not None:
            right.append(reading.digit == label)
    found = {"model": model.model_id, "predictions": predictions}
    if not right:
        return found, sentences
    accuracy = sum(right) / len(right)
    print(f"{accuracy:.2%} of {len(right):,} right", file=sys.stderr)
    return found | {"accuracy": accuracy, "count": len(right)}, []


def _evaluate(options: argparse.Namespace) -> Answer:
    from mnistcore.data.loading import load_or_fall_back
    from mnistcore.evaluation import metrics
    from mnistcore.models.registry import load_model

    model = load_model(options.model, options.runs)
    loaded = load_or_fall_back(options.dataset, options.data)
    if loaded.notice:
        print(loaded.notice, file=sys.stderr)
    score = metrics.evaluate(model.network, loaded.test)
    answer = {
        "model": model.model_id,
        "dataset": loaded.test.dataset,
        "test_accuracy": score.accuracy,
        "test_loss": serialization.finite_or_none(score.loss),
        "count": score.count,
    }
    share, loss = f"{score.accuracy:.2%}", f"{score.loss:.4f}"
    return answer, [f"{share} of {score.count:,} test images right, loss {loss}"]


def _calibrate(options: argparse.Namespace) -> Answer:
    from mnistcore.data.loading import load_dataset
    from mnistcore.evaluation import metrics
    from mnistcore.inference import ood, ood_data
    from mnistcore.inference.calibration import fit_temperature
    from mnistcore.models.checkpoint import load_network, save_network
    from mnistcore.models.registry import weights_path

    _require_writable(options.out)
    fonts = ood_data.open_fonts(options.fonts) if options.fonts else []
    path = weights_path(options.model, options.runs)
    if path.suffix != ".safetensors":
        raise MnistError("This network is still learning: calibrate it when it has finished.")
    saved = load_network(path)
    network, card = saved.network, saved.card
    train, test = load_dataset("mnist", options.data)
    temperature = fit_temperature(network, train)
    fitted = ood.fit_ood_head(network, train, fonts=fonts)
    score = metrics.evaluate(network, test)
    result = replace(card.result or RunResult(), test_loss=score.loss)
    total = temperature * card.temperature
    card = replace(card, calibration=options.typed, temperature=total, result=result)
    save_network(network, options.out, card, ood_head=fitted)
    answer = {"file": str(options.out), "temperature": temperature, "test_loss": score.loss}
    told = f"temperature {temperature:.2f}, loss {score.loss:.4f} on the test images"
    return answer, [f"{options.out}: {told}"]


def _require_writable(path: Path) -> None:
    """Refuse a network's file that cannot be written, before minutes go into it."""
    if path.suffix != ".safetensors" or path.is_dir():
        raise MnistError(f"'{path}' is no name for a network: it has to end in .safetensors.")
    try:
        tempfile.TemporaryFile(dir=path.parent).close()
    except OSError as error:
        raise MnistError(
            f"{path} cannot be written ({error.strerror}): name another place with --out."
        ) from error
