"""Which devices a run takes, on machines that are made up."""

from types import SimpleNamespace

import pytest

from annpot.errors import InputError
from annpot.tensorflow_import import gpu_numbers
from annpot.training import devices

H200 = "NVIDIA H200"


class Machine:
    """What TensorFlow tells of a machine; `running` when it cannot be changed."""

    def __init__(self, n_gpus=0, n_cpus=1, visible=None, running=False):
        self.gpus = [f"GPU{number}" for number in range(n_gpus)]
        self.visible = self.gpus if visible is None else [self.gpus[n] for n in visible]
        self.n_cpus, self.running, self.deterministic = n_cpus, running, False
        self.config = self.experimental = self

    def list_physical_devices(self, kind):
        return self.gpus

    def get_visible_devices(self, kind):
        return self.visible

    def set_visible_devices(self, chosen, kind):
        if self.running:
            raise RuntimeError("Visible devices cannot be modified after being set")
        self.visible = chosen

    def list_logical_devices(self, kind):
        return [None] * self.n_cpus

    def get_device_details(self, gpu):
        return {"device_name": H200}

    def enable_op_determinism(self):
        self.deterministic = True

    def enable_tensor_float_32_execution(self, on):
        assert not on


TRAINING = {"batch_size": 8, "optimizer": "adam", "mixed_precision": "none"}


def taken(monkeypatch, machine, accelerator, deterministic=True, **training):
    """Devices of a run on a machine with 16 cores."""
    monkeypatch.setattr(devices, "import_tensorflow", lambda: machine)
    monkeypatch.setattr(devices, "_n_cores", lambda: 16)
    return devices.take_devices(
        SimpleNamespace(
            io=SimpleNamespace(accelerator=accelerator, deterministic=deterministic),
            training=SimpleNamespace(**(TRAINING | training)),
            source=SimpleNamespace(where=lambda *key: "train.ini:7"),
        )
    )


ONE = f"GPU 0 ({H200})"
TWO = f"{ONE}, GPU 1 ({H200})"


@pytest.mark.parametrize(
    ("n_gpus", "accelerator", "names", "described"),
    [
        (0, "auto", ("CPU:0",), "no GPU: the CPU"),
        (0, "cpu", ("CPU:0",), "no GPU: the CPU, as asked"),
        (1, "auto", ("GPU:0",), f"{ONE}: GPU 0"),
        (1, "cpu", ("CPU:0",), f"{ONE}: the CPU, as asked"),
        (2, "gpu", ("GPU:0",), f"{TWO}: GPU 0"),
        (2, "gpu:1", ("GPU:0",), f"{TWO}: GPU 1"),  # the only one it sees
        (2, "gpu:0,1", ("GPU:0", "GPU:1"), f"{TWO}: GPU 0 and 1"),
        (
            2, "auto", ("GPU:0",),
            f"{TWO}: GPU 0; accelerator = gpu:0,1 takes all",
        ),
    ],
)  # fmt: skip
def test_one_device_is_taken_unless_several_are_named(
    monkeypatch, n_gpus, accelerator, names, described
):
    machine = Machine(n_gpus)
    found = taken(monkeypatch, machine, accelerator)
    assert found.names == names
    assert found.described == f"found 1 CPU (16 cores), {described}"
    wanted = gpu_numbers(accelerator, n_gpus)
    assert machine.visible == [f"GPU{number}" for number in wanted]
    assert machine.deterministic
    assert found.models == (H200,) * len(wanted) or not wanted


@pytest.mark.parametrize(
    ("n_gpus", "accelerator", "absent", "there"),
    [
        (0, "gpu", "no GPU 0", "no GPU"),
        (1, "gpu:0,3", "no GPU 3", ONE),
        (2, "gpu:2,5", "no GPU 2 and no GPU 5", TWO),
    ],
)
def test_a_gpu_that_is_not_there_is_told_with_those_that_are(
    monkeypatch, n_gpus, accelerator, absent, there
):
    with pytest.raises(InputError) as raised:
        taken(monkeypatch, Machine(n_gpus), accelerator)
    assert str(raised.value) == (
        f"train.ini:7: accelerator = {accelerator}: there is {absent}; found 1 CPU "
        f"(16 cores), {there}. Name GPUs that are there, or set accelerator = auto."
    )


def test_tensorflow_that_was_started_without_gpus_computes_on_the_cpu(monkeypatch):
    """As a program that trains does, which imported TensorFlow before."""
    machine = Machine(1, visible=(), running=True)
    found = taken(monkeypatch, machine, "auto")
    assert found.names == ("CPU:0",)
    assert found.described.endswith("as TensorFlow was started without a GPU")
    with pytest.raises(InputError, match="Start a new process, or set accelerator"):
        taken(monkeypatch, machine, "gpu")


def test_each_device_needs_a_structure(monkeypatch):
    with pytest.raises(InputError) as raised:
        taken(monkeypatch, Machine(3), "gpu:0,1,2", batch_size=2)
    assert str(raised.value) == (
        "train.ini:7: batch_size = 2: expected at least one structure for each of 3 "
        "devices. Raise batch_size, or name fewer GPUs in accelerator."
    )


@pytest.mark.parametrize(
    ("key", "value", "way_out"),
    [
        ("optimizer", "lbfgs", "Set accelerator = gpu:0 or cpu, or choose another "
         "optimizer."),
        ("optimizer", "kalman", "Set accelerator = gpu:0 or cpu, or choose another "
         "optimizer."),
        ("mixed_precision", "float16", "Use bfloat16, or set accelerator = gpu:0 or "
         "cpu."),
    ],
)  # fmt: skip
def test_some_methods_take_one_device(monkeypatch, key, value, way_out):
    with pytest.raises(InputError) as raised:
        taken(monkeypatch, Machine(2), "gpu:0,1", **{key: value})
    assert str(raised.value) == (
        f"train.ini:7: {key} = {value} computes on one device, not on 2. {way_out}"
    )


def test_logical_cpus_are_all_taken(monkeypatch):
    found = taken(monkeypatch, Machine(n_cpus=2), "auto")
    assert found.names == ("CPU:0", "CPU:1")
    assert found.described == "found 2 logical CPUs (16 cores), no GPU: the CPU"


def test_what_is_not_exact_any_more_is_told(monkeypatch):
    machine = Machine()
    found = taken(monkeypatch, machine, "auto", deterministic=False)
    assert not machine.deterministic
    assert found.notes(None) == [devices.NOT_EXACT]
    before = taken(monkeypatch, Machine(2), "gpu:0,1").facts()
    now = devices.Devices(("CPU:0",), ("Xeon",), "", deterministic=True)
    assert now.notes({"devices": now.facts()}) == now.notes(None) == now.notes({}) == []
    assert now.notes({"devices": before}) == [
        f"The run computed on GPU:0, GPU:1 ({H200}) before and goes on with CPU:0 "
        "(Xeon): its last bits may differ from those of a run on the same devices "
        "throughout."
    ]
