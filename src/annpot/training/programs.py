"""Which program runs the steps of a run."""

from annpot.training.gauss_newton.program import GaussNewtonProgram
from annpot.training.kalman.program import KalmanProgram
from annpot.training.lbfgs.program import LBFGSProgram
from annpot.training.replicas import ReplicaProgram
from annpot.training.schedules import LearningRate
from annpot.training.step import StepProgram


def make_program(devices, parameters, networks, settings, form):
    """StepProgram, ReplicaProgram on several devices, or that of another method.

    Args:
        devices: Devices; the variables were made in their scope.
        parameters, networks, settings, form: see StepProgram.
    """
    if settings.kalman is not None:
        return KalmanProgram(parameters, networks, settings, form, settings.kalman)
    if settings.gauss_newton is not None:
        rate = LearningRate(settings.learning_rate)
        about = parameters, networks, settings, form, settings.gauss_newton, rate
        return GaussNewtonProgram(*about)
    about = parameters, networks, settings, form
    if settings.optimizer.name == "lbfgs":
        return LBFGSProgram(*about)
    if devices.strategy is None:
        return StepProgram(*about)
    return ReplicaProgram(devices.strategy, *about)
