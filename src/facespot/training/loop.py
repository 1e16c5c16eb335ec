"""The epochs: one loop for every method, with checkpoints, resume and early stopping. Needs PyTorch.

Bitwise the same for one seed on one machine: PyTorch runs on one thread, and every random draw (order of an epoch,
augmentation, dropout) comes from the seed, the epoch and the step, not from how often something was drawn before. A
training that is killed at any step and resumed therefore ends with the same bytes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from facespot.training.samples import Samples
from facespot.training.sampling import epoch_order
from facespot.training.state import State, read_state, write_state

Loss = Callable[[nn.Module, tuple[Tensor, ...]], Tensor]
OnProgress = Callable[[int, int], None]
OnEpoch = Callable[[int], None]
SECONDS_BETWEEN_STATES = 20.0
MOST_VALIDATED_AT_ONCE = 256
# Keeps the draws of a step apart from those of an epoch's order.
_STEP_STREAM = 1


@dataclass(frozen=True)
class Schedule:
    """How long and in which steps is trained.

    Parameters
    ----------
    epochs : int
        At most so many.
    batch_size : int
        Samples per step.
    seed : int
        Of all random draws.
    samples_per_epoch : int
        At most so many samples in an epoch, drawn anew for each; 0 for all.
    learning_rate_decay : float
        Factor of the learning rate after each epoch.
    patience : int
        Stop after so many epochs without a lower loss on the validation samples, and keep the best epoch; 0 never.
    clip_norm : float
        A gradient whose norm, over all parameters together, is larger is shortened to it; 0 for no limit.
    """

    epochs: int
    batch_size: int
    seed: int
    samples_per_epoch: int = 0
    learning_rate_decay: float = 1.0
    patience: int = 0
    clip_norm: float = 0.0


@dataclass(frozen=True)
class Epoch:
    """Figures of one epoch.

    Parameters
    ----------
    loss : float
        Mean over the samples that were trained on, each at the moment of its step.
    validation_loss : float or None
        Mean over the validation samples after the epoch.
    """

    loss: float
    validation_loss: float | None = None


def train(
    network: nn.Module,
    optimiser: torch.optim.Optimizer,
    samples: Samples,
    loss: Loss,
    schedule: Schedule,
    *,
    validation: Samples | None = None,
    state_file: Path | None = None,
    fingerprint: str = "",
    on_progress: OnProgress | None = None,
    on_epoch: OnEpoch | None = None,
) -> tuple[Epoch, ...]:
    """Train a network in place.

    Parameters
    ----------
    network : nn.Module
    optimiser : torch.optim.Optimizer
        Over the parameters to train.
    samples : Samples
        At least one.
    loss : callable
        From the network and a batch of tensors to the mean loss of the batch.
    schedule : Schedule
    validation : Samples, optional
        Of other subjects of the training set; needed where `schedule.patience` is not 0.
    state_file : Path, optional
        Where the state is kept every 20 seconds and after each epoch; training goes on from it.
    fingerprint : str
        Names what is trained on what; a state with another one is not gone on with.
    on_progress : callable, optional
        Called with steps done and steps in all.
    on_epoch : callable, optional
        Called with the number of epochs done after each of them, while the network scores as it would if it ended
        there; it may look at the network, but must not change it. Epochs before a resumption are not told again.

    Returns
    -------
    tuple of Epoch
        The figures of every epoch.

    Raises
    ------
    ValueError
        If there is nothing to train on, or to validate on where it is needed.
    FloatingPointError
        If the loss is no longer finite.
    """
    if len(samples) == 0:
        raise ValueError("there are no samples to train on")
    if schedule.patience and (validation is None or len(validation) == 0):
        raise ValueError("stopping early needs validation samples")
    with one_thread():
        return _Training(network, optimiser, samples, loss, schedule, validation, state_file, fingerprint).run(
            on_progress, on_epoch
        )


class _Training:
    """The loop and where it stands."""

    def __init__(
        self,
        network: nn.Module,
        optimiser: torch.optim.Optimizer,
        samples: Samples,
        loss: Loss,
        schedule: Schedule,
        validation: Samples | None,
        state_file: Path | None,
        fingerprint: str,
    ) -> None:
        self.network, self.optimiser = network, optimiser
        self.samples, self.validation = samples, validation
        self.loss, self.schedule = loss, schedule
        self.state_file = state_file
        self.fingerprint = f"{fingerprint} {asdict(schedule)} {len(samples)}"
        self.rates = [group["lr"] for group in optimiser.param_groups]
        self.history: list[Epoch] = []
        self.best: dict[str, Tensor] | None = None
        self.epoch = self.step = 0
        self.loss_sum = 0.0
        n_samples = min(len(samples), schedule.samples_per_epoch or len(samples))
        self.steps = -(-n_samples // schedule.batch_size)

    def run(self, on_progress: OnProgress | None, on_epoch: OnEpoch | None) -> tuple[Epoch, ...]:
        self._resume()
        saved_at = time.monotonic()
        while self.epoch < self.schedule.epochs and not self._stopped():
            self._set_rates()
            self.network.train()
            order = epoch_order(
                len(self.samples), self.schedule.samples_per_epoch, seed=self.schedule.seed, epoch=self.epoch
            )
            while self.step < self.steps:
                start = self.step * self.schedule.batch_size
                self._take_step(order[start : start + self.schedule.batch_size])
                if on_progress is not None:
                    on_progress(self.epoch * self.steps + self.step, self.schedule.epochs * self.steps)
                if time.monotonic() - saved_at > SECONDS_BETWEEN_STATES:
                    self._save()
                    saved_at = time.monotonic()
            self._end_epoch(len(order))
            self._save()
            if on_epoch is not None:
                self.network.eval()
                on_epoch(self.epoch)
        if self.best is not None:
            self.network.load_state_dict(self.best)
        self.network.eval()
        return tuple(self.history)

    def _take_step(self, indices: np.ndarray) -> None:
        drawn = [_STEP_STREAM, self.schedule.seed, self.epoch, self.step]
        rng = np.random.default_rng(drawn)
        torch.default_generator.manual_seed(int(rng.integers(2**63)))
        batch = tuple(torch.from_numpy(part) for part in self.samples.batch(indices, rng))
        self.optimiser.zero_grad(set_to_none=True)
        value = self.loss(self.network, batch)
        value.backward()  # type: ignore[no-untyped-call]
        if self.schedule.clip_norm:
            taught = [one for group in self.optimiser.param_groups for one in group["params"]]
            nn.utils.clip_grad_norm_(taught, self.schedule.clip_norm)
        self.optimiser.step()
        figure = value.item()
        if not np.isfinite(figure):
            raise FloatingPointError(f"the loss is {figure} in epoch {self.epoch + 1}, step {self.step + 1}")
        self.loss_sum += figure * len(indices)
        self.step += 1

    def _end_epoch(self, n_samples: int) -> None:
        validated = None if self.validation is None else self._validate(self.validation)
        figures = Epoch(self.loss_sum / n_samples, validated)
        if self.schedule.patience and (best := self._best_epoch()) is not None:
            improved = validated is not None and validated < (self.history[best].validation_loss or 0.0)
        else:
            improved = bool(self.schedule.patience)
        self.history.append(figures)
        if improved:
            self.best = {name: value.detach().clone() for name, value in self.network.state_dict().items()}
        self.epoch, self.step, self.loss_sum = self.epoch + 1, 0, 0.0

    def _validate(self, validation: Samples) -> float:
        self.network.eval()
        total = 0.0
        at_once = min(MOST_VALIDATED_AT_ONCE, self.schedule.batch_size)
        with torch.no_grad():
            for start in range(0, len(validation), at_once):
                indices = np.arange(start, min(start + at_once, len(validation)))
                batch = tuple(torch.from_numpy(part) for part in validation.batch(indices, np.random.default_rng(0)))
                total += self.loss(self.network, batch).item() * len(indices)
        return total / len(validation)

    def _best_epoch(self) -> int | None:
        losses = [one.validation_loss for one in self.history]
        known = [value for value in losses if value is not None]
        return losses.index(min(known)) if known else None

    def _stopped(self) -> bool:
        best = self._best_epoch()
        return bool(self.schedule.patience) and best is not None and self.epoch - 1 - best >= self.schedule.patience

    def _set_rates(self) -> None:
        for group, rate in zip(self.optimiser.param_groups, self.rates, strict=True):
            group["lr"] = rate * self.schedule.learning_rate_decay**self.epoch

    def _save(self) -> None:
        if self.state_file is None:
            return
        state = State(
            self.fingerprint,
            self.epoch,
            self.step,
            self.loss_sum,
            [asdict(one) for one in self.history],
            self.network.state_dict(),
            self.optimiser.state_dict(),
            self.best,
        )
        write_state(state, self.state_file)

    def _resume(self) -> None:
        found = None if self.state_file is None else read_state(self.state_file, self.fingerprint)
        if found is None:
            return
        self.network.load_state_dict(found.network)
        self.optimiser.load_state_dict(dict(found.optimiser))
        self.epoch, self.step, self.loss_sum = found.epoch, found.step, found.loss_sum
        self.history = [Epoch(**figures) for figures in found.history]
        self.best = None if found.best is None else dict(found.best)


@contextmanager
def one_thread() -> Iterator[None]:
    """One thread, and the caller's random generator as it was."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng(devices=[]):
            yield
    finally:
        torch.set_num_threads(threads)
