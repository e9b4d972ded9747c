"""What was measured, its bar, the figure and the verdict, row by row."""


class Bars:
    """A table that is printed as it grows; `missed` counts the bars that were missed."""

    def __init__(self) -> None:
        self.missed = 0
        print("| measured | bar | figure | verdict |\n| --- | --- | --- | --- |", flush=True)

    def row(self, what: str, bar: str, figure: str, held: bool | None = None) -> None:
        """One row; `held` is None for what is only reported."""
        self.missed += held is False
        verdict = "" if held is None else "holds" if held else "FALLS SHORT"
        print(f"| {what} | {bar} | {figure} | {verdict} |", flush=True)

    def share(self, what: str, figure: float, *, least: float = -1, most: float = 1) -> None:
        """A share that has to be so much at least, or at most; only reported without either."""
        bounds = [f">= {100 * least:g} %"] * (least > -1) + [f"<= {100 * most:g} %"] * (most < 1)
        held = least <= figure <= most if bounds else None
        self.row(what, ", ".join(bounds) or "reported", f"{figure:.2%}", held)
