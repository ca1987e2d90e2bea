"""Error against wall time: `python benchmarks/training_methods.py`, half an hour.

Trains each recipe of `training_recipes.py` with each seed by `app_train`, in a process
of its own and on the tutorial data, and evaluates its last network on the test
molecules by `app_evaluate`. Times count from the start of the command and say something
on an idle machine only; errors do not depend on it.

    --only NAME,...   these recipes; results of the others stay as they are
    --seeds 1,2,3
    --output FOLDER   results.csv, curves.csv and the INI files
    --draw            no training: table and picture from the FOLDER

Writes the tables into `doc/training_guide.md`, between its marks, and the picture
`doc/pictures/training_methods.png`, from all results in the folder.
"""

import argparse
import csv
import os
import re
import shutil
import statistics
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from recipes import mean_absolute_error, mean_force_error
from training_recipes import GROUPS, RECIPES, ini_text

from annpot.reports.picture import COLOURS, GREY, MEV, finish_curve, picture

ROOT = Path(__file__).parents[1]
GUIDE = ROOT / "doc/training_guide.md"
PICTURE = ROOT / "doc/pictures/training_methods.png"
EVALUATE = """\
[IO_INFORMATION]
data_dir = {data}/test
{form}train_ini = train.ini
networks_dir = {networks}
eval_dir = test

[VALIDATION_OPTIONS]
single_step = True
compute_forces = {forces}
"""


@dataclass(frozen=True)
class Result:
    """What one run reached.

    Attributes:
        recipe: its name.
        seed: of the run.
        steps: of all stages.
        validation, test: MAE of the last network, meV/atom.
        forces: MAE of forces on the test molecules, meV/angstrom; None without.
        seconds: wall time of app_train.
        load: of the machine before it started.
    """

    recipe: str
    seed: int
    steps: int
    validation: float
    test: float
    forces: float | None
    seconds: float
    load: float


@dataclass(frozen=True)
class Point:
    """The end of an epoch.

    Attributes:
        recipe, seed: of the run.
        stage: its name, "" without stages.
        step: of the stage.
        seconds: since the start of the command.
        validation: MAE on the validation molecules, meV/atom.
    """

    recipe: str
    seed: int
    stage: str
    step: int
    seconds: float
    validation: float


def main():
    """Train, evaluate, write tables and picture."""
    arguments = _arguments()
    folder = arguments.output.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    names = () if arguments.draw else arguments.only or tuple(RECIPES)
    for name in names:
        for seed in arguments.seeds:
            result, points = trained(RECIPES[name], seed, folder / f"{name}_{seed}")
            keep(folder / "results.csv", [result])
            keep(folder / "curves.csv", points)
            print(
                f"{name:24} seed {seed}  validation {result.validation:6.3f}  test "
                f"{result.test:6.3f} meV/atom  {result.seconds:5.1f} s  "
                f"(load {result.load:.1f})",
                flush=True,
            )
    results = read(folder / "results.csv", Result)
    curves = read(folder / "curves.csv", Point)
    for group in GROUPS:
        replace_marked(GUIDE, group.name, table(group, results))
    draw(results, curves)


def _arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", type=_names, metavar="NAME,...")
    parser.add_argument("--seeds", type=_integers, default=(1, 2, 3))
    parser.add_argument("--output", type=Path, default=Path("tutorial_train_methods"))
    parser.add_argument("--draw", action="store_true")
    return parser.parse_args()


def _names(text):
    names = tuple(text.split(","))
    unknown = [name for name in names if name not in RECIPES]
    if unknown:
        raise argparse.ArgumentTypeError(
            f"no recipe {', '.join(unknown)}; expected of {', '.join(RECIPES)}"
        )
    return names


def _integers(text):
    return tuple(int(number) for number in text.split(","))


def trained(recipe, seed, folder):
    """(Result, [Point]) of a recipe, trained in an empty folder."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "input_files").mkdir(parents=True)
    (folder / "tutorial_data").symlink_to(ROOT / "tutorial_data")
    shutil.copy(ROOT / "input_files/gvect.ini", folder / "input_files")
    (folder / "train.ini").write_text(ini_text(recipe, seed))
    load, began, start = os.getloadavg()[0], time.time(), time.perf_counter()
    run(folder, "app_train", "train.ini")
    seconds = time.perf_counter() - start
    stages = [folder / "run"]
    if recipe.stages:
        stages = [folder / "run/stages" / name for name in recipe.stages]
    points = []
    for stage in stages:
        named = stage.name if recipe.stages else ""
        points += curve(stage / "history.csv", began, (recipe.name, seed, named))
    with_forces = recipe.group == "forces"
    evaluation = EVALUATE.format(
        data="tutorial_data/forces" if with_forces else "tutorial_data",
        form="input_format = structure\n" if with_forces else "",
        networks=f"{stages[-1].relative_to(folder)}/_models",
        forces=with_forces,
    )
    (folder / "evaluate.ini").write_text(evaluation)
    run(folder, "app_evaluate", "evaluate.ini")
    (found,) = (p for p in folder.glob("test/*.dat") if "_forces" not in p.name)
    result = Result(
        recipe=recipe.name,
        seed=seed,
        steps=sum(points[-1].step for points in by_stage(points)),
        validation=points[-1].validation,
        test=mean_absolute_error(found) * MEV,
        forces=mean_force_error(found) * MEV if with_forces else None,
        seconds=seconds,
        load=load,
    )
    for stage in stages:  # the numbers stay, the checkpoints go
        shutil.rmtree(stage / "_models")
    return result, points


def by_stage(points):
    """Lists of the points of each stage, in the order of the stages."""
    stages = {}
    for point in points:
        stages.setdefault(point.stage, []).append(point)
    return list(stages.values())


def curve(path, began, about):
    """[Point] of a history.csv.

    The file is written at the end of each epoch; from there its seconds count back.

    Args:
        path: of the file.
        began: time.time() when the command was started.
        about: recipe, seed and stage.
    """
    with path.open() as file:
        epochs = list(csv.DictReader(file))
    left = 0.0
    points = []
    for epoch in reversed(epochs):
        seconds = path.stat().st_mtime - began - left
        mae = float(epoch["val_mae_per_atom"]) * MEV
        points.append(Point(*about, int(epoch["step"]), seconds, mae))
        left += float(epoch["seconds"])
    return points[::-1]


def run(folder, command, ini):
    """Run a command of annpot in a folder."""
    program = Path(sys.executable).with_name(command)
    done = subprocess.run(
        [program, "-c", ini], cwd=folder, capture_output=True, text=True
    )
    (folder / f"{command}.log").write_text(done.stdout + done.stderr)
    if done.returncode:
        raise SystemExit(f"{command} -c {folder / ini} failed:\n{done.stdout}")


def read(path, kind):
    """List of Result or Point of a CSV file; empty where there is none."""
    if not path.exists():
        return []
    types = {field.name: field.type for field in fields(kind)}
    with path.open() as file:
        return [
            kind(**{name: _value(text, types[name]) for name, text in line.items()})
            for line in csv.DictReader(file)
        ]


def _value(text, kind):
    return (None if text == "" else float(text)) if kind == float | None else kind(text)


def keep(path, rows):
    """Put the rows of a run into a CSV file, in place of those it had before."""
    about = rows[0].recipe, rows[0].seed
    others = [r for r in read(path, type(rows[0])) if (r.recipe, r.seed) != about]
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, asdict(rows[0]))
        writer.writeheader()
        writer.writerows(asdict(row) for row in [*others, *rows])


def table(group, results):
    """Markdown table of a group of recipes; seeds are separated by commas."""
    has_forces = any(r.forces is not None for r in _of(group, results))
    heads = ["recipe", "steps", "validation, meV/atom", "test, meV/atom"]
    heads += ["forces, test, meV/angstrom"] if has_forces else []
    lines = [f"| {' | '.join([*heads, 'seconds'])} |", "|---" * (len(heads) + 1) + "|"]
    for name, recipe in RECIPES.items():
        found = sorted((r for r in results if r.recipe == name), key=lambda r: r.seed)
        if not found or (recipe.group != group.name and name != group.base):
            continue
        cells = [recipe.label, str(found[0].steps)]
        cells += [_numbers([r.validation for r in found])]
        cells += [_numbers([r.test for r in found])]
        cells += [_numbers([r.forces for r in found])] if has_forces else []
        cells += [f"{statistics.median(r.seconds for r in found):.1f}"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _of(group, results):
    return [r for r in results if RECIPES[r.recipe].group == group.name]


def _numbers(values):
    digits = [3 if value < 0.1 else 2 if value < 100 else 0 for value in values]
    return ", ".join(f"{v:.{n}f}" for v, n in zip(values, digits, strict=True))


def replace_marked(path, name, text):
    """Put text between `<!-- name -->` and `<!-- end of name -->` of a document."""
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    whole = path.read_text()
    if whole.count(begin) != 1 or whole.count(end) != 1:
        raise SystemExit(f"{path}: expected one {begin} and one {end}")
    pattern = rf"(?s)({re.escape(begin)}\n).*({re.escape(end)})"
    path.write_text(re.sub(pattern, lambda m: f"{m[1]}{text}\n{m[2]}", whole))


def draw(results, curves):
    """Error against wall time, a panel for each group of recipes in the picture."""
    shown = [group for group in GROUPS if group.title and _of(group, results)]
    with picture(PICTURE, (8.0, 3.6 * len(shown))) as figure:
        panels = figure.subplots(len(shown), 1, squeeze=False)[:, 0]
        for group, axes in zip(shown, panels, strict=True):
            _panel(group, axes, results, curves)


def _panel(group, axes, results, curves):
    found = _of(group, results)
    seeds, names = {r.seed for r in found}, {r.recipe for r in found}
    lines = [r for r in RECIPES.values() if r.name in names and r.in_picture]
    for number, recipe in enumerate(lines):
        points = [p for p in curves if p.recipe == recipe.name and p.seed == min(seeds)]
        axes.plot(
            [point.seconds for point in points],
            [point.validation for point in points],
            color=COLOURS[number % len(COLOURS)],
            ls=("-", "--", ":")[number // len(COLOURS)],
            lw=1.2,
            label=recipe.label.replace("`", ""),
        )
    axes.axhline(1.0, color=GREY, lw=0.6, ls=":")
    axes.set_title(group.title, loc="left")
    axes.set_xlim(left=0)
    finish_curve(
        axes, "seconds since the start of app_train", "validation MAE, meV/atom"
    )
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))


if __name__ == "__main__":
    main()
