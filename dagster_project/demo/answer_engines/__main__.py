"""`python -m dagster_project.demo.answer_engines [--port 8765]`: local engines until Ctrl-C, with their settings."""

from __future__ import annotations

import argparse
import threading

from dagster_project.demo.answer_engines.reply import Market
from dagster_project.demo.answer_engines.server import AnswerEngines

SETTINGS = (
    ("openai", "openai/gpt-5-mini", "openai", "OPENAI_API_KEY", "0.0121", ""),
    ("anthropic", "anthropic/claude-sonnet-4-5", "anthropic", "ANTHROPIC_API_KEY", "0.0421", ""),
    ("perplexity", "perplexity/sonar", "pplx", "PERPLEXITYAI_API_KEY", "0.005", ""),
    ("gemini", "gemini/gemini-2.5-flash", "gemini", "GEMINI_API_KEY", "0.0352", ", contract: native_auto"),
)


def main(arguments: list[str] | None = None) -> None:
    """Serve; with --brands the answers name these with falling probability, else every answer is the same."""
    parser = argparse.ArgumentParser(prog="python -m dagster_project.demo.answer_engines", description=__doc__)
    parser.add_argument("--port", type=int, default=8765)
    parser.add_argument("--brands", nargs="*", default=[], help="names that answers hold, the most frequent first")
    parser.add_argument("--domains", nargs="*", default=["g2.com", "reddit.com"], help="sites that answers cite")
    chosen = parser.parse_args(arguments)
    market = None
    if chosen.brands:
        market = Market(
            {b: 0.7 / (1 + place) for place, b in enumerate(chosen.brands)},
            {d: 0.6 / (1 + place) for place, d in enumerate(chosen.domains)},
        )
    with AnswerEngines(market, port=chosen.port) as engines:
        print("ai:\n  engines:")
        for name, model, path, key, price, rest in SETTINGS:
            print(
                f"    - {{name: {name}, model: {model}, key: {key}, price_usd: {price},"
                f' endpoint: "{engines.base(path)}"{rest}}}'
            )
        print("# any value will do as a key; Ctrl-C ends the engines", flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            return


if __name__ == "__main__":
    main()
