"""What a checkpoint says of its run: other descriptors are not gone on with."""

from types import SimpleNamespace

import pytest

from annpot.errors import InputError


def state(descriptor):
    run = {"data": {"descriptor": descriptor}}
    return SimpleNamespace(prefix="run/_models/epoch_2_step_40", run=run)


def test_a_run_does_not_go_on_with_other_descriptors():
    from annpot.training.facts import require_same_descriptors

    stored = {"kind": "mBP", "r_cut_radial": 4.6}
    now = {"descriptor": {"kind": "mBP", "r_cut_radial": 5.0}}
    with pytest.raises(InputError) as caught:
        require_same_descriptors(state(stored), now)
    (message,) = caught.value.problems
    assert message.startswith("run/_models/epoch_2_step_40: was trained on descriptors")
    assert "(r_cut_radial differ)" in message
    assert "restart_mode = force_default" in message


@pytest.mark.parametrize("stored", [None, {"kind": "mBP", "r_cut_radial": 4.6}])
def test_equal_or_unknown_descriptors_are_gone_on_with(stored):
    from annpot.training.facts import require_same_descriptors

    require_same_descriptors(state(stored), {"descriptor": stored})
    require_same_descriptors(state(stored), None)
    require_same_descriptors(SimpleNamespace(prefix="", run=None), {"descriptor": {}})
