"""What decides whether something is spotted: --threshold, --sensitivity and --rule, and the settings behind them."""

from __future__ import annotations

from facespot.errors import SettingsError


def decision_settings(
    method: str, threshold: list[str] | None, sensitivity: str | None, rule: str | None
) -> dict[str, str]:
    """Settings of the method that --threshold, --sensitivity and --rule stand for.

    Raises
    ------
    SettingsError
        If the method has no such thing, or a threshold is no number.

    >>> decision_settings("regiontcn", ["0.6", "micro=0.8"], None, None)
    {'macro_threshold': '0.6', 'micro_threshold': '0.8'}
    """
    from facespot.methods import method_entry

    method_entry(method)
    if method != "regiontcn":
        given = {"--threshold": threshold, "--sensitivity": sensitivity, "--rule": None if rule == "paper" else rule}
        for option, value in given.items():
            if value is not None:
                what = f"the method {method!r} decides by the rule of its paper alone"
                raise SettingsError(option, what, "use --method regiontcn, or change its settings with --set")
        return {}
    if rule == "paper" and threshold:
        remedy = "leave one of the two out, or move the paper's threshold with --set p=0.7"
        raise SettingsError("--threshold", "with --rule paper the threshold follows from the video", remedy)
    chosen: dict[str, str] = {}
    for one in threshold or []:
        kind, equals, value = one.rpartition("=")
        if kind not in ("macro", "micro") and (equals or kind):
            raise SettingsError("--threshold", f"there is no type {kind!r}", "write 0.7, macro=0.7 or micro=0.7")
        try:
            inside = 0 <= float(value) <= 1
        except ValueError:
            inside = False
        if not inside:
            raise SettingsError("--threshold", f"{value!r} is no probability", "write 0.7, macro=0.7 or micro=0.7")
        chosen |= {f"{name}_threshold": value for name in ("macro", "micro") if kind in ("", name)}
    if sensitivity is not None:
        chosen["sensitivity"] = sensitivity
    if rule is not None:
        chosen["rule"] = rule
    return chosen
