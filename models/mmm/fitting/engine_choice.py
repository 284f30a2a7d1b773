"""Which parts of a specification the compiled density does not have; any such part sends the fit to PyMC."""

from __future__ import annotations

from models.mmm.panel.error import MMMError
from models.mmm.panel.panel import MMMData
from models.mmm.spec import MMMSpec


def unsupported(spec: MMMSpec, data: MMMData) -> tuple[str, ...]:
    """The reasons why `spec` on `data` needs the PyMC graph; empty when the compiled density has every part."""
    reached = [c for c, own in zip(data.media_names, data.by_frequency, strict=True) if own]
    with_prior = {
        kind: [n for n, own in spec.channels.items() if getattr(own, kind) is not None]
        for kind in ("mroas", "coefficient")
    }
    measured = data.media_se is not None
    parts = (
        (spec.engine == "pymc", "the spec requests the PyMC graph"),
        (spec.likelihood == "student_t", "Student-t noise"),
        (spec.adstock == "delayed", "a carryover that peaks after a delay"),
        (spec.order == "saturation_first", "saturation before carryover"),
        (bool(reached), f"reach with frequency ({', '.join(reached)})"),
        (bool(data.mediator_names), f"mediators ({', '.join(data.mediator_names)})"),
        (measured and spec.measurement == "latent", "a measured series treated as unknown"),
        (bool(with_prior["mroas"]), f"a prior of the marginal return ({', '.join(with_prior['mroas'])})"),
        (bool(with_prior["coefficient"]), f"a prior of the coefficient ({', '.join(with_prior['coefficient'])})"),
    )
    return tuple(reason for needed, reason in parts if needed)


def refuse_shortcut(spec: MMMSpec, data: MMMData, what: str) -> None:
    """Raises ValueError when `what`, which runs on the compiled density, would examine another model than `spec`."""
    noise = spec.model_copy(update={"engine": "auto", "likelihood": "auto"})  # engine and tails do not change the model
    missing = unsupported(noise, data)
    if missing:
        raise MMMError(
            f"{what} runs on the compiled density, which does not have {'; '.join(missing)}. Leave these parts out for"
            f" {what}, or compare full fits"
        )


def own_response(spec: MMMSpec, data: MMMData) -> bool:
    """Whether the response itself is not in the compiled density, so that forms cannot be compared with it."""
    return spec.adstock == "delayed" or spec.order == "saturation_first" or bool(data.by_frequency.any())


def engine_reason(missing: tuple[str, ...]) -> str:
    """One sentence for `MMMFit.engine_reason`."""
    if not missing:
        return "every part of this spec is in the compiled density"
    if missing == ("the spec requests the PyMC graph",):
        return missing[0]
    named = [m for m in missing if m != "the spec requests the PyMC graph"]
    return f"not in the compiled density: {'; '.join(named)}"
