"""Plans of several stages: what a stage is, and what is told of wrong ones."""

import resource
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from annpot import config
from annpot.errors import InputError

INPUT_FILES = Path(__file__).parents[2] / "input_files"
BASE = """\
[IO_INFORMATION]
data_dir = tfr
train_dir = run
[DATA_INFORMATION]
atomic_sequence = H, O
[TRAINING_PARAMETERS]
batch_size = 20
learning_rate = 0.01
steps_per_epoch = 100
max_epochs = 10
{training}
[DEFAULT_NETWORK]
architecture = 128:32:1
"""
N_LINES = 13  # of BASE
THREE = """\
[STAGE:a]
forces_cost = 2
[STAGE:b]
learning_rate = 1e-4
h.Trainable = 0:0:1
validation_options.data_dir = other
[STAGE:c]
parent = a
parent_network = best
keep_optimizer = yes
max_steps = 500
"""


def written(tmp_path, stages, training=""):
    """Path of an INI file with stages."""
    path = tmp_path / "train.ini"
    path.write_text(BASE.format(training=training) + stages)
    return path


def plan_of(tmp_path, stages, training=""):
    return config.load_plan(written(tmp_path, stages, training))


def told(tmp_path, call, *arguments):
    """Problems that a call raises, without the folder."""
    with pytest.raises(InputError) as error:
        call(*arguments)
    return [text.replace(f"{tmp_path}/", "") for text in error.value.problems]


def problems(tmp_path, stages, training=""):
    """Problems of a file as `line: text`, lines counted from the first stage."""
    path = written(tmp_path, stages, training)
    found = []
    for text in told(tmp_path, config.load_plan, path):
        name, line, message = text.split(":", 2)
        assert name == "train.ini"
        found.append(f"{int(line) - N_LINES}:{message}")
    return found


class TestWhatAStageIs:
    def test_a_stage_is_the_file_with_its_overrides(self, tmp_path):
        plan = plan_of(tmp_path, THREE)
        a, b, c = (plan.stages[name].config for name in "abc")
        assert (a.training.forces_cost, a.training.learning_rate) == (2, 0.01)
        assert (b.training.forces_cost, b.training.learning_rate) == (0, 1e-4)
        assert b.elements["H"].trainable == (False, False, True)
        assert b.elements["O"].trainable is None
        assert str(b.validation.data_dir) == "other"
        assert str(b.io.data_dir) == "tfr"
        assert c.training == plan.base.training.model_copy(
            update={"max_steps": 500, "max_epochs": 5}
        )
        assert plan.base == config.load_train(written(tmp_path, ""))

    def test_each_has_its_name_and_its_folder(self, tmp_path):
        plan = plan_of(tmp_path, THREE)
        assert [one.config.stage for one in plan.stages.values()] == ["a", "b", "c"]
        assert plan.stages["b"].config.io.train_dir == Path("run/stages/b")
        assert plan.base.stage is None
        assert plan.base.io.train_dir == Path("run")

    def test_it_says_how_it_starts(self, tmp_path):
        a, _, c = plan_of(tmp_path, THREE).stages.values()
        assert (a.parent, a.parent_network, a.keep_optimizer) == (None, "final", False)
        assert (c.parent, c.parent_network, c.keep_optimizer) == ("a", "best", True)

    def test_in_a_sequence_the_parent_is_the_one_before(self, tmp_path):
        stages = THREE.replace("parent = a\n", "").replace("_network = best", "= b")
        plan = plan_of(tmp_path, stages, "stages = a, b, c")
        assert [one.parent for one in plan.stages.values()] == [None, "a", "b"]
        assert plan.sequence == ("a", "b", "c")

    def test_changes_are_what_differs_from_the_file(self, tmp_path):
        stages = "[STAGE:a]\nlearning_rate = 1e-2\nH.trainable = 0:1:1\nmax_steps = 90"
        assert plan_of(tmp_path, stages).stages["a"].changes == (
            ("H.trainable", "not set", "0:1:1"),
            ("max_steps", "not set", "90"),
        )

    def test_one_length_of_the_run_replaces_the_other(self, tmp_path):
        path = written(tmp_path, "[STAGE:a]\nmax_epochs = 4\n")
        path.write_text(path.read_text().replace("max_epochs = 10", "max_steps = 700"))
        assert config.load_plan(path).stages["a"].config.training.total_steps == 400

    def test_settings_that_follow_from_others_follow_the_stage(self, tmp_path):
        stages = "[STAGE:a]\nmax_steps = 50\nsteps_per_epoch = None\n"
        training = plan_of(tmp_path, stages).stages["a"].config.training
        assert (training.steps_per_epoch, training.max_epochs) == (5, 10)

    def test_references_and_defaults_go_on_working(self, tmp_path):
        stages = (
            "[STAGE:a]\nlearning_rate = ${half}\nbatch_size = %(size)s\nsize = 4\n"
            "[STAGE:b]\nlearning_rate = ${STAGE:a:learning_rate}\n"
        ).replace("size = 4\n", "")
        path = written(tmp_path, stages)
        defaults = "[DEFAULT]\nhalf = 0.005\nsize = 4\ntrainable = 1:1:0\n"
        path.write_text(defaults + path.read_text())
        a, b = (one.config for one in config.load_plan(path).stages.values())
        assert (a.training.learning_rate, a.training.batch_size) == (0.005, 4)
        assert b.training.learning_rate == 0.005
        assert b.default_network.trainable == (True, True, False)

    def test_places_are_those_of_the_stage(self, tmp_path):
        path = written(tmp_path, THREE)
        source = config.load_plan(path).stages["b"].config.source
        assert source.where("TRAINING_PARAMETERS", "learning_rate") == f"{path}:17"
        assert source.where("TRAINING_PARAMETERS", "batch_size") == f"{path}:7"
        assert source.is_given("H", "trainable")

    def test_its_expanded_file_is_one_without_stages(self, tmp_path):
        stage = plan_of(tmp_path, THREE, "stages = a, b").stages["b"].config
        path = tmp_path / "train.expanded.ini"
        path.write_text(stage.source.expanded_text())
        assert "STAGE" not in path.read_text()
        assert replace(config.load_train(path), stage="b") == stage


class TestWhichStagesRun:
    def test_the_named_one_else_the_sequence_else_the_first(self, tmp_path):
        plan = plan_of(tmp_path, THREE.replace("parent = a\n", "parent = b\n"))
        assert [one.name for one in plan.chosen("c")] == ["c"]
        assert [one.name for one in plan.chosen()] == ["a"]
        plan = plan_of(tmp_path, THREE, "stages = b, a")
        assert [one.name for one in plan.chosen()] == ["b", "a"]

    def test_a_file_without_stages_has_none(self, tmp_path):
        plan = plan_of(tmp_path, "")
        assert plan.chosen() == ()
        assert told(tmp_path, plan.chosen, "a") == [
            "train.ini: there is no stage 'a', as the file has no section "
            "[STAGE:name]. Add one, or leave --stage out."
        ]

    def test_a_name_that_is_none(self, tmp_path):
        plan = plan_of(tmp_path, "[STAGE:energies]\nmax_epochs = 1\n")
        assert told(tmp_path, plan.chosen, "energy") == [
            "train.ini: there is no stage 'energy'. Did you mean energies? Stages: "
            "energies."
        ]


@pytest.mark.parametrize(
    ("stages", "found"),
    [
        (
            "[STAGE:a]\nlearnig_rate = 1",
            "2: unknown key 'learnig_rate' in [STAGE:a]. Did you mean 'learning_rate'?",
        ),
        (
            "[STAGE:a]\nkeep_optimiser = 1",
            "2: unknown key 'keep_optimiser' in [STAGE:a]. Did you mean "
            "'keep_optimizer'?",
        ),
        (
            "[STAGE:a]\nH.trainabel = 1:1:0",
            "2: unknown key 'H.trainabel' in [STAGE:a]. Did you mean 'H.trainable'?",
        ),
        (
            "[STAGE:a]\nVALIDATION_OPTION.data_dir = v",
            "2: unknown key 'VALIDATION_OPTION.data_dir' in [STAGE:a]. Did you mean "
            "'VALIDATION_OPTIONS.data_dir'?",
        ),
        (
            "[STAGE:a]\ntensorboard_log_frequency = 5",
            "2: unknown key 'tensorboard_log_frequency' in [STAGE:a]. It is an old "
            "name; write log_frequency.",
        ),
        (
            "[STAGE:a]\nNa.trainable = 0:0:1",
            "2: [STAGE:a] Na.trainable: Na is not an element of atomic_sequence (H, "
            "O).",
        ),
        (
            "[STAGE:a]\natomic_sequence = H",
            "2: [STAGE:a] atomic_sequence: no stage may change it, all stages train "
            "the same networks. Remove it here; it is a key of [DATA_INFORMATION].",
        ),
        (
            "[STAGE:a]\ngvect_ini = g.ini",
            "2: [STAGE:a] gvect_ini: no stage may change it, all stages see the same "
            "descriptors. Remove it here; it is a key of [IO_INFORMATION].",
        ),
        (
            "[STAGE:a]\nO.architecture = 4:1",
            "2: [STAGE:a] O.architecture: no stage may change it, all stages train the "
            "same networks. Remove it here; it is a key of [O].",
        ),
        (
            "[STAGE:a]\nseed = 3",
            "2: [STAGE:a] seed: no stage may change it, the seed of a stage follows "
            "from it and from the stage's name. Remove it here; it is a key of "
            "[TRAINING_PARAMETERS].",
        ),
        (
            "[STAGE:a]\nthreads = 3",
            "2: [STAGE:a] threads: no stage may change it, it belongs to the whole "
            "plan. Remove it here; it is a key of [IO_INFORMATION].",
        ),
        (
            "[STAGE:a]\nlearning_rate = 1\nTRAINING_PARAMETERS.learning_rate = 2",
            "3: [STAGE:a] TRAINING_PARAMETERS.learning_rate is given a second time, "
            "first as 'learning_rate' in line 15. Keep one.",
        ),
        (
            "[STAGE:a]\nbatch_size = 0",
            "2: [STAGE:a] batch_size = 0: expected an integer >= 1 and <= 1e7.",
        ),
        (
            "[STAGE:a]\ncharge_cost = 1",
            "2: [STAGE:a] charge_cost = 1: not available yet in this version. Set "
            "charge_cost = 0 to train without charges.",
        ),
        (
            "[STAGE:a]\nlearning_rate_constant = False\nlearning_rate_decay_step = 9",
            "2: [STAGE:a] [TRAINING_PARAMETERS] learning_rate_constant = False needs "
            "learning_rate_decay_factor. Give it, or set learning_rate_constant = "
            "True.",
        ),
        (
            "[STAGE:a]\nH.trainable = 1:1",
            "2: [STAGE:a] [H] architecture of [DEFAULT_NETWORK] has 3 layers but "
            "trainable has 2. Give one flag per layer.",
        ),
        (
            "[STAGE:a]\ninput_format = structure",
            "2: [STAGE:a] [IO_INFORMATION] input_format = structure needs "
            "[IO_INFORMATION] gvect_ini, an INI file with [SYMMETRY_FUNCTION] and "
            "[GVECT_PARAMETERS] that says how the descriptors of structures are made.",
        ),
        (
            "[STAGE:a]\nlearning_rate = ${nothing}",
            "2: [STAGE:a] learning_rate: it refers to 'nothing', which is not in "
            "[STAGE:a]. Check the spelling of the reference.",
        ),
        (
            "[STAGE:a]\nkeep_optimizer = maybe",
            "2: [STAGE:a] keep_optimizer = maybe: expected True or False.",
        ),
        (
            "[STAGE:b]\n[STAGE:a]\nparent = b\nparent_network = newest",
            "4: [STAGE:a] parent_network = newest: expected one of final, best.",
        ),
        (
            "[STAGE:base]\n[STAGE:a]\nparent = bass",
            "3: [STAGE:a] parent = bass: there is no section [STAGE:bass]. Did you "
            "mean base?",
        ),
        (
            "[STAGE:a]\nparent = c\n[STAGE:b]\nparent = a\n[STAGE:c]\nparent = b",
            "2: [STAGE:a] parents go in a circle: a -> c -> b -> a. One of them has to "
            "start without a parent.",
        ),
        (
            "[STAGE:a]\nparent = a",
            "2: [STAGE:a] parents go in a circle: a -> a. One of them has to start "
            "without a parent.",
        ),
        (
            "[STAGE:a]\nkeep_best = 0\n[STAGE:b]\nparent = a\nparent_network = best",
            "5: [STAGE:b] parent_network = best, but [STAGE:a] keeps no best network: "
            "keep_best = 0. Set keep_best = 1 there, or parent_network = final.",
        ),
        (
            "[STAGE:two words]",
            "1: [STAGE:two words]: 'two words' cannot be the name of a stage, which is "
            "also that of its folder. Use up to 100 letters, digits, _ . and -, with a "
            "letter, digit or _ first.",
        ),
        (
            "[STAGE:Plan.ini]",
            "1: [STAGE:Plan.ini]: Plan.ini is a file beside the folders of the stages. "
            "Choose another name.",
        ),
        (
            "[STAGE:a]\n[STAGE:A]",
            "2: [STAGE:A] differs from [STAGE:a] only in upper and lower case, which "
            "not all disks tell apart. Choose another name.",
        ),
        ("[STAGE a]", "1: unknown section [STAGE a]. Did you mean [STAGE:a]?"),
        ("[stage:a]", "1: unknown section [stage:a]. Did you mean [STAGE:a]?"),
        ("[STAGES:a]", "1: unknown section [STAGES:a]. Did you mean [STAGE:a]?"),
    ],
)
def test_a_problem_of_a_stage(tmp_path, stages, found):
    assert problems(tmp_path, stages) == [found]


@pytest.mark.parametrize("name", ["", ".", "..", "../up", "a/b", "-a", "a.", "é"])
def test_names_that_cannot_be_folders(tmp_path, name):
    (found,) = problems(tmp_path, f"[STAGE:{name}]\nmax_epochs = 1\n")
    assert f"{name!r} cannot be the name of a stage" in found


@pytest.mark.parametrize(
    ("sequence", "stages", "found"),
    [
        (
            "first, secnd",
            "[STAGE:first]\n[STAGE:second]",
            "-2: [TRAINING_PARAMETERS] stages: there is no section [STAGE:secnd]. Did "
            "you mean second?",
        ),
        (
            "a, b",
            "",
            "-2: [TRAINING_PARAMETERS] stages: there is no section [STAGE:a]. Add the "
            "section.",
        ),
        (
            "a, b, a",
            "[STAGE:a]\n[STAGE:b]",
            "-2: [TRAINING_PARAMETERS] stages names a twice. A stage runs once; give "
            "the second one a section and a name of its own.",
        ),
        (
            "a, b, c",
            "[STAGE:a]\n[STAGE:b]\n[STAGE:c]\nparent = a",
            "4: [STAGE:c] parent = a: [TRAINING_PARAMETERS] stages = a, b, c runs it "
            "after b, from whose network it starts. Remove parent, or change stages.",
        ),
        (
            "a, b",
            "[STAGE:a]\nparent = b\n[STAGE:b]",
            "2: [STAGE:a] parents go in a circle: a -> b -> a. One of them has to "
            "start without a parent.",
        ),
    ],
)
def test_a_problem_of_the_sequence(tmp_path, sequence, stages, found):
    assert found in problems(tmp_path, stages, f"stages = {sequence}")


def test_a_cause_in_the_rest_of_the_file_is_told_at_the_header(tmp_path):
    path = written(tmp_path, "[STAGE:a]\nforces_cost = 0\n", "forces_cost = 1")
    text = path.read_text().replace("tfr\n", "tfr\nbest_metric = F_MAE\n", 1)
    path.write_text(text)
    assert told(tmp_path, config.load_plan, path) == [
        "train.ini:15: [STAGE:a] [IO_INFORMATION] best_metric = F_MAE is about forces, "
        "which are not trained: forces_cost is 0. Choose another column, or give "
        "[TRAINING_PARAMETERS] forces_cost."
    ]


def test_what_is_wrong_with_the_rest_is_told_once(tmp_path):
    found = problems(tmp_path, THREE + "colour = red\n", "adam_eps = -1\nbeta3 = 1")
    assert found == [
        "-2: [TRAINING_PARAMETERS] adam_eps = -1: expected a number > 0.",
        "-1: unknown key 'beta3' in [TRAINING_PARAMETERS]. Did you mean 'beta2'?",
        "13: unknown key 'colour' in [STAGE:c]. Remove it.",
    ]


def test_one_checkpoint_cannot_start_stages(tmp_path):
    path = written(tmp_path, "[STAGE:a]\nmax_epochs = 1\n")
    start = "tfr\nrestart_mode = specific_ckpt\nrestart_file = r/_models/epoch_1"
    path.write_text(path.read_text().replace("tfr", start))
    assert told(tmp_path, config.load_plan, path) == [
        "train.ini:3: [IO_INFORMATION] restart_mode = specific_ckpt cannot be used "
        "with stages, which start from the base network or from their parents. Extract "
        "the checkpoint with app_extract_weights and give [DEFAULT_NETWORK] "
        "networks_metadata."
    ]


class TestNotices:
    def test_a_stage_that_changes_nothing(self, tmp_path):
        plan = plan_of(tmp_path, "[STAGE:a]\nlearning_rate = 1e-2\n")
        (notice,) = plan.stages["a"].config.source.notices
        assert notice.endswith(
            "train.ini:14: [STAGE:a] changes no setting of the rest of the file."
        )

    def test_a_way_to_start_without_a_parent(self, tmp_path):
        plan = plan_of(tmp_path, "[STAGE:a]\nmax_epochs = 1\nkeep_optimizer = True\n")
        assert [note.rpartition("/")[2] for note in plan.notices] == [
            "train.ini:16: [STAGE:a] keep_optimizer has no effect: the stage has no "
            "parent."
        ]

    def test_those_of_the_rest_are_told_once(self, tmp_path):
        plan = plan_of(tmp_path, THREE, "qloss_function = quad")
        (notice,) = plan.notices
        assert all(
            one.config.source.notices == (notice,) for one in plan.stages.values()
        )

    def test_what_a_stage_switches_off_is_no_notice(self, tmp_path):
        stages = "[STAGE:a]\nforces_cost = 0\n"
        training = "forces_cost = 1\nfloss_function = quad_atom"
        assert plan_of(tmp_path, stages, training).notices == ()


class TestStoredPlans:
    @pytest.mark.parametrize("seed", [None, 17])
    def test_a_plan_is_read_back_from_its_text(self, tmp_path, seed):
        training = "seed = 17\nstages = a, b" if seed is None else "stages = a, b"
        stages = THREE + "[STAGE:d]\nmax_steps = None\nO.output_offset = -7.1\n"
        path = written(tmp_path, stages, training)
        path.write_text(path.read_text() + "[LOCAL]\nlog_frequency = 7\n")
        plan = config.load_plan(path)
        stored = tmp_path / "plan.ini"
        stored.write_text(plan.text(seed))
        assert "[LOCAL]" not in stored.read_text()
        again = config.load_plan(stored)
        assert again.base.training.seed == 17
        if seed is None:
            assert again == plan
        assert again.text(None) == plan.text(17).replace("train.ini", "plan.ini")

    def test_a_length_that_followed_does_not_contradict_a_stage(self, tmp_path):
        path = written(tmp_path, "[STAGE:a]\nmax_steps = 500\n")
        text = path.read_text().replace("max_epochs = 10", "max_steps = 1000")
        path.write_text(text.replace("steps_per_epoch = 100\n", ""))
        plan = config.load_plan(path)
        (tmp_path / "plan.ini").write_text(plan.text(None))
        assert config.load_plan(tmp_path / "plan.ini") == plan
        assert plan.stages["a"].config.training.steps_per_epoch == 50

    def test_the_shipped_plan_is_read_back(self, tmp_path):
        plan = config.load_plan(INPUT_FILES / "train_stages.ini")
        assert plan.notices == ()
        (tmp_path / "plan.ini").write_text(plan.text(None))
        assert config.load_plan(tmp_path / "plan.ini") == plan

    def test_stages_that_the_file_lacks_are_added(self, tmp_path):
        stored = tmp_path / "plan.ini"
        stored.write_text("[STAGE:z]\nparent = b\nbatch_size = 3\n[STAGE:b]\n")
        plan = config.load_plan(written(tmp_path, THREE), stored)
        assert set(plan.stages) == {"a", "b", "c", "z"}
        assert plan.stages["b"].config.training.learning_rate == 1e-4  # the file's
        assert plan.stages["z"].parent == "b"
        source = plan.stages["z"].config.source
        assert source.where("TRAINING_PARAMETERS", "batch_size") == f"{stored}:3"

    def test_a_stored_plan_that_is_not_there_holds_none(self, tmp_path):
        plan = config.load_plan(written(tmp_path, THREE), tmp_path / "none.ini")
        assert list(plan.stages) == ["a", "b", "c"]

    def test_what_is_wrong_in_it_names_it(self, tmp_path):
        stored = tmp_path / "plan.ini"
        stored.write_text("[STAGE:z]\nbatch_size = 0\n")
        path = written(tmp_path, "[STAGE:a]\nbatch_size = 0\n")
        assert told(tmp_path, config.load_plan, path, stored) == [
            "train.ini:15: [STAGE:a] batch_size = 0: expected an integer >= 1 and <= "
            "1e7.",
            "plan.ini:2: [STAGE:z] batch_size = 0: expected an integer >= 1 and <= "
            "1e7.",
            "plan.ini:2: [STAGE:z] stands in this file only. Correct it here, or "
            "delete the section.",
        ]


class TestAppendedStages:
    def stored(self, tmp_path):
        path = tmp_path / "plan.ini"
        path.write_text(plan_of(tmp_path, THREE).text(5))
        return path

    def added(self, tmp_path, text):
        path = tmp_path / "more.ini"
        path.write_text(text)
        return path

    def test_a_stage_is_added_to_a_stored_plan(self, tmp_path):
        added = self.added(tmp_path, "[STAGE:d]\nparent = c\nbatch_size = 5\n")
        plan = config.appended_plan(self.stored(tmp_path), added)
        assert list(plan.stages) == ["a", "b", "c", "d"]
        assert plan.stages["d"].changes == (("batch_size", "20", "5"),)
        assert "[STAGE:d]\nparent = c\nbatch_size = 5\n" in plan.text(None)

    def test_an_existing_one_only_when_asked(self, tmp_path):
        added = self.added(tmp_path, "[STAGE:b]\nbatch_size = 5\n")
        stored = self.stored(tmp_path)
        (found,) = told(tmp_path, config.appended_plan, stored, added)
        assert found.startswith("more.ini:1: [STAGE:b]: the plan in plan.ini has ")
        assert found.endswith("Choose another name, or --replace it.")
        plan = config.appended_plan(stored, added, replace=True)
        assert plan.stages["b"].changes == (("batch_size", "20", "5"),)

    @pytest.mark.parametrize(
        ("text", "found"),
        [
            (
                "[STAGE:d]\nparent = e\n",
                "more.ini:2: [STAGE:d] parent = e: there is no section [STAGE:e]. "
                "Stages: a, b, c, d.",
            ),
            (
                "[STAGE:d]\n[IO_INFORMATION]\ndata_dir = x\n",
                "more.ini:2: found [IO_INFORMATION], expected sections [STAGE:name] "
                "only. Remove it; settings of all stages are in the INI file of the "
                "run.",
            ),
            ("# nothing\n", "more.ini: has no section [STAGE:name]. Add the stage."),
        ],
    )
    def test_what_is_wrong_names_the_added_file(self, tmp_path, text, found):
        added = self.added(tmp_path, text)
        assert told(tmp_path, config.appended_plan, self.stored(tmp_path), added) == [
            found
        ]


def test_a_typo_in_the_third_stage_is_told_in_half_a_second(tmp_path):
    path = written(tmp_path, THREE + "learnig_rate = 1\n", "stages = a, b")
    call = f"main(['-c', {str(path)!r}])"
    code = f"from annpot.apps.train import main; raise SystemExit({call})"
    # Time of the processor: it does not depend on what else the machine does.
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode == 2
    assert "Did you mean 'learning_rate'?" in done.stderr
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert used < 0.5
