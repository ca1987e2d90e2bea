"""Pictures and tables: what they show, and that broken input is told."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from annpot import reports, result_tables
from annpot.errors import InputError
from annpot.evaluation.batches import Labelled
from annpot.evaluation.results import Evaluation, ForceResults
from annpot.networks.checkpoint_files import CheckpointFile

PNG = b"\x89PNG\r\n\x1a\n"
METRICS = """\
epoch MAE/at tot_st val_MAE/at
0 0.1 100 0.05
1 0.04 200 0.03
2 0.03 3
"""  # the last line was cut short by a kill


def evaluation(compositions=("CH4", "H2O", "NH3"), step=100, error=0.02):
    """40 structures of 4 atoms for each composition, errors of +-`error` eV."""
    n = 40 * len(compositions)
    signs = np.where(np.arange(n) % 2, 1.0, -1.0)
    e_ref = np.linspace(-2000.0, -1000.0, n)
    return Evaluation(
        checkpoint=CheckpointFile(1, step, Path("_models")),
        names=("x",) * n,
        compositions=tuple(np.repeat(compositions, 40)),
        n_atoms=np.full(n, 4),
        e_ref=e_ref,
        e_nn=e_ref + error * signs,
        e_offset=np.zeros(n),
    )


@pytest.fixture
def figures(monkeypatch):
    """Figures that were drawn, in order."""
    from matplotlib.figure import Figure

    drawn, save = [], Figure.savefig

    def remember(figure, *arguments, **options):
        drawn.append(figure)
        save(figure, *arguments, **options)

    monkeypatch.setattr(Figure, "savefig", remember)
    return drawn


def texts(axes):
    return " ".join(text.get_text() for text in axes.texts)


def legend(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


def test_parity_shows_all_structures_with_units(tmp_path, figures):
    reports.parity_plot(evaluation(), tmp_path / "parity.png")
    assert (tmp_path / "parity.png").read_bytes().startswith(PNG)
    above, below = figures[0].axes
    assert sum(len(dots.get_offsets()) for dots in above.collections) == 120
    assert legend(above) == ["CH$_4$", "H$_2$O", "NH$_3$"]
    assert "MAE 5 meV/atom\nRMSE 5 meV/atom" in texts(above)  # 0.02 eV / 4 atoms
    assert "(eV/atom)" in above.get_ylabel()
    assert below.get_ylabel() == "error (meV/atom)"
    errors = np.concatenate([dots.get_offsets()[:, 1] for dots in below.collections])
    # Energies near 2000 eV keep 1e-13, which is 1e-10 in meV.
    np.testing.assert_allclose(np.sort(np.abs(errors)), 5.0, rtol=1e-9)


def test_histogram_counts_every_structure(tmp_path, figures):
    reports.error_histogram(evaluation(), tmp_path / "errors.png")
    (axes,) = figures[0].axes
    assert sum(bar.get_height() for bar in axes.patches) == 120
    assert "(meV/atom)" in axes.get_xlabel()


def test_histogram_of_no_error_at_all(tmp_path):
    reports.error_histogram(evaluation(error=0.0), tmp_path / "errors.png")
    assert (tmp_path / "errors.png").exists()


def test_many_compositions_share_the_last_colour(tmp_path, figures):
    compositions = tuple(f"C{n}" for n in range(2, 12))
    reports.parity_plot(evaluation(compositions), tmp_path / "parity.png")
    assert legend(figures[0].axes[0])[-1] == "other"
    dots = figures[0].axes[0].collections
    assert sum(len(group.get_offsets()) for group in dots) == 400


def test_learning_curve_is_logarithmic_and_in_mev(tmp_path, figures):
    (tmp_path / "metrics.dat").write_text(METRICS)
    reports.learning_curve(tmp_path / "metrics.dat", tmp_path / "curve.png")
    (axes,) = figures[0].axes
    assert axes.get_yscale() == "log"
    assert axes.get_ylabel() == "error (meV/atom)"
    training, validation = axes.lines
    np.testing.assert_allclose(training.get_xydata(), [[100, 100], [200, 40]])
    np.testing.assert_allclose(validation.get_xydata(), [[100, 50], [200, 30]])
    assert legend(axes)[1] == "MAE, validation (30 at the end)"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such file: expected metrics.dat of a training run"),
        ("", "no finished epoch in it"),
        ("epoch MAE/at\n", "no finished epoch in it"),
        ("epoch loss tot_st\n0 1.5 100\n", "no column MAE/at or RMSE/at"),
    ],
)
def test_learning_curve_of_nothing_is_told(tmp_path, content, message):
    path = tmp_path / "metrics.dat"
    if content is not None:
        path.write_text(content)
    with pytest.raises(InputError, match=message):
        reports.learning_curve(path, tmp_path / "curve.png")
    assert not (tmp_path / "curve.png").exists()


def test_checkpoint_curve_has_a_point_per_checkpoint(tmp_path, figures):
    evaluations = [evaluation(step=s, error=e) for s, e in ((100, 0.04), (200, 0.02))]
    reports.checkpoint_curve(evaluations, tmp_path / "checkpoints.png")
    rmse, _ = figures[0].axes[0].lines
    np.testing.assert_allclose(rmse.get_xydata(), [[100, 10.0], [200, 5.0]])


def test_tables_give_errors_by_composition_and_mark_the_best(capsys):
    good, bad = evaluation(step=200), evaluation(step=300, error=0.04)
    result_tables.show(result_tables.accuracy_table(good))
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    columns = ["structures", "MAE", "RMSE", "MSE", "MAPE", "(%)", "R2", "largest"]
    assert ["composition", *columns] in lines
    rows = {line[0]: line[1:] for line in lines if line}
    for name, n in (("CH4", "40"), ("all", "120")):
        assert rows[name][:4] == [n, "5.000", "5.000", "25"]
        assert rows[name][-1] == "5.000"
    bound = (good.e_ref - good.e_offset) / good.n_atoms
    expected = 100 * np.mean(0.005 / abs(bound)), 1 - 0.005**2 / np.var(bound)
    assert rows["all"][4:6] == [f"{expected[0]:.3f}", f"{expected[1]:.6f}"]
    result_tables.show(result_tables.checkpoint_table([good, bad]))
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["epoch_1_step_200", "(best)", "120", "5.000", "5.000", "5.000"] in lines
    assert ["epoch_1_step_300", "120", "10.000", "10.000", "10.000"] in lines


def with_forces():
    """One evaluation with the forces on 30 H and 10 O; one O has no reference."""
    reference = np.random.default_rng(1).normal(size=(40, 3))
    errors = np.where(np.arange(40) < 30, 0.01, -0.04)[:, None]
    predicted = reference + errors
    reference[-1] = np.nan
    elements = np.array(["H"] * 30 + ["O"] * 10)
    forces = ForceResults(Labelled(predicted, reference), elements)
    return replace(evaluation(), forces=forces)


def test_force_parity_shows_all_labelled_components_with_units(tmp_path, figures):
    reports.force_parity_plot(with_forces(), tmp_path / "forces.png")
    assert (tmp_path / "forces.png").read_bytes().startswith(PNG)
    above, below = figures[0].axes
    dots = [len(group.get_offsets()) for group in above.collections]
    assert dots == [90, 27]
    assert legend(above) == ["H", "O"]
    assert above.get_ylabel() == "network force component (eV/angstrom)"
    assert below.get_xlabel() == "reference force component (eV/angstrom)"
    assert below.get_ylabel() == "error (meV/angstrom)"
    # (90 * 10 + 27 * 40) / 117 and sqrt((90 * 100 + 27 * 1600) / 117)
    assert "MAE 16.9 meV/angstrom\nRMSE 21.1 meV/angstrom\n39 atoms" in texts(above)
    np.testing.assert_allclose(below.collections[1].get_offsets()[:, 1], -40.0)


def test_force_table_gives_errors_by_element(capsys):
    result_tables.show(result_tables.force_table(with_forces()))
    output = capsys.readouterr().out
    assert "epoch_1_step_100, errors of forces in meV/angstrom" in output
    lines = [line.split() for line in output.splitlines()]
    rows = {line[0]: [*line[1:5], line[-1]] for line in lines if line}
    assert rows["H"] == ["30", "10.000", "10.000", "100", "10.000"]
    assert rows["O"] == ["9", "40.000", "40.000", "1600", "40.000"]
    assert rows["all"] == ["39", "16.923", "21.122", "446.2", "40.000"]


def test_checkpoints_are_compared_by_forces_too(capsys):
    both = [with_forces() for _ in range(2)]
    result_tables.show(result_tables.checkpoint_table(both))
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[2][-4:] == ["force", "MAE", "force", "RMSE"]
    (row,) = (line for line in lines if "(best)" in line)
    assert row[-2:] == ["16.923", "21.122"]


def test_structures_without_energy_are_left_out_of_the_pictures(tmp_path, figures):
    e_ref = evaluation().e_ref.copy()
    e_ref[:7] = np.nan
    reports.parity_plot(replace(evaluation(), e_ref=e_ref), tmp_path / "parity.png")
    reports.error_histogram(replace(evaluation(), e_ref=e_ref), tmp_path / "h.png")
    above = figures[0].axes[0]
    assert sum(len(dots.get_offsets()) for dots in above.collections) == 113
    assert "113 structures" in texts(above)
    assert sum(bar.get_height() for bar in figures[1].axes[0].patches) == 113


@pytest.mark.parametrize(
    ("name", "beginning"),
    [("a.png", b"\x89PNG"), ("a.SVG", b"<?xml"), ("a.pdf", b"%PDF"), ("a", b"\x89PNG")],
)
def test_the_name_of_a_picture_chooses_its_format(tmp_path, name, beginning):
    with reports.picture.picture(tmp_path / name, (2, 2)):
        pass
    assert (tmp_path / name).read_bytes().startswith(beginning)


def test_another_ending_of_a_picture_is_refused(tmp_path):
    with (
        pytest.raises(InputError, match=r"not with \.jpeg"),
        reports.picture.picture(tmp_path / "a.jpeg", (2, 2)),
    ):
        pass
    assert not list(tmp_path.iterdir())
