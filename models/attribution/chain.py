"""The Markov chain behind a set of paths: its states, counts and exact conversion probability."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from models.attribution.paths import Journeys

# Above this a dense factorisation costs more than a sparse one on the 1-5 % filled matrices that paths give.
DENSE_STATES = 2000


@dataclass(frozen=True)
class Steps:
    """Paths as walks over states: step i of path `path[i]` is in state `state[i]`; equal neighbours are one
    step.

    `holds`: shape (states, channels), true where the state's memory contains the channel. `first`, `last`:
    the state in which each path starts and ends. `moves`: (path, from, to) of every change of state.
    """

    holds: np.ndarray
    first: np.ndarray
    last: np.ndarray
    moves: tuple[np.ndarray, np.ndarray, np.ndarray]
    memory: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Chain:
    """Probabilities of one chain: `start` (states,), `move` sparse (states, states), `convert`, `worth`
    (states,).

    `worth` is the expected value booked when leaving the state for a conversion. The probability that moves
    and conversion leave up to 1 belongs to "lost".
    """

    start: np.ndarray
    move: sparse.csr_array
    convert: np.ndarray
    worth: np.ndarray
    holds: np.ndarray

    def success(self, allowed: np.ndarray | None = None) -> np.ndarray:
        """[P(conversion), expected value] of a path that may only visit the states marked in `allowed`.

        Entering any other state loses the path; the remaining probabilities are not scaled up again.
        Formula: s (I - Q)^-1 [r, r m], solved exactly.
        """
        states = np.arange(self.start.size) if allowed is None else np.flatnonzero(allowed)
        if states.size == 0:
            return np.zeros(2)
        inner = self.move[states][:, states]
        ends = np.column_stack([self.convert[states], self.worth[states]])
        if states.size <= DENSE_STATES:
            reach = np.linalg.solve(np.eye(states.size) - inner.toarray(), ends)
        else:
            system = sparse.csc_array(sparse.eye_array(states.size) - inner)
            reach = sparse.linalg.splu(sparse.csc_matrix(system)).solve(ends)
        return self.start[states] @ reach


def steps(walked: Journeys, order: int) -> Steps:
    """States of memory `order`: the last `order` channels; a shorter path is one state holding all of it.

    Raises ValueError unless order >= 1.
    """
    if order < 1:
        raise ValueError(f"order={order}: the state holds at least the last channel, so order >= 1")
    position = np.arange(walked.code.size) - walked.start[walked.path]
    width = len(walked.channels) + 1
    label = walked.code + 1
    # Growing the memory one channel at a time and renumbering keeps labels small for any order.
    for lag in range(1, min(order, int(walked.length.max(initial=1)))):
        earlier = np.zeros_like(label)
        reaches = position >= lag
        earlier[reaches] = walked.code[np.flatnonzero(reaches) - lag] + 1
        _, label = np.unique(label * width + earlier, return_inverse=True)
    # The first (order - 1) touches do not fill the memory; a path that never fills it is one state.
    closes = np.zeros(walked.code.size, dtype=bool)
    closes[walked.start[1:] - 1] = True
    visited = np.flatnonzero((position >= order - 1) | closes)
    path, label = walked.path[visited], label[visited]
    fresh = np.ones(visited.size, dtype=bool)
    fresh[1:] = (path[1:] != path[:-1]) | (label[1:] != label[:-1])
    path, label, visited = path[fresh], label[fresh], visited[fresh]
    _, example, state = np.unique(label, return_index=True, return_inverse=True)
    memory = tuple(_memory(walked, int(visited[i]), order) for i in example)
    holds = np.zeros((len(memory), len(walked.channels)), dtype=bool)
    for i, channels in enumerate(memory):
        holds[i, list(channels)] = True
    same_path = path[1:] == path[:-1]
    opens = np.searchsorted(path, np.arange(walked.conversions.size))
    closing = np.searchsorted(path, np.arange(walked.conversions.size), side="right") - 1
    return Steps(
        holds=holds,
        first=state[opens],
        last=state[closing],
        moves=(path[1:][same_path], state[:-1][same_path], state[1:][same_path]),
        memory=memory,
    )


def chain(walked: Journeys, order: int, *, nulls: bool) -> Chain:
    """The chain that the paths imply. Without `nulls` only converting paths count, so every walk converts."""
    walks = steps(walked, order)
    size = walks.holds.shape[0]
    lost = walked.nulls if nulls else np.zeros_like(walked.nulls)
    weight = walked.conversions + lost
    path, source, target = walks.moves
    counts = sparse.coo_array((weight[path], (source, target)), shape=(size, size)).tocsr()
    converted = np.bincount(walks.last, walked.conversions, minlength=size)
    booked = np.bincount(walks.last, walked.value, minlength=size)
    leaving = np.asarray(counts.sum(axis=1)).ravel() + np.bincount(walks.last, weight, minlength=size)
    visited = leaving > 0
    scale = np.divide(1.0, leaving, out=np.zeros(size), where=visited)
    total = weight.sum()
    return Chain(
        start=np.bincount(walks.first, weight, minlength=size) / (total if total > 0 else 1.0),
        move=sparse.csr_array(sparse.diags_array(scale) @ counts),
        convert=converted * scale,
        worth=booked * scale,
        holds=walks.holds,
    )


def _memory(walked: Journeys, touch: int, order: int) -> tuple[int, ...]:
    begin = max(int(walked.start[walked.path[touch]]), touch - order + 1)
    return tuple(int(code) for code in walked.code[begin : touch + 1])
