"""A workspace whose engines are local: many questions, four engines, and prices that may be wrong on purpose."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import yaml

from dagster_project.demo.answer_engines import AnswerEngines

# Name, model, path of the local engine, what an answer costs there in US dollars, contract.
ENGINES = (
    ("openai", "openai/gpt-5-mini", "openai", Decimal("0.01208"), "search_required"),
    ("anthropic", "anthropic/claude-sonnet-4-5", "anthropic", Decimal("0.042082"), "search_required"),
    ("perplexity", "perplexity/sonar", "pplx", Decimal("0.005"), "search_required"),
    ("gemini", "gemini/gemini-2.5-flash", "gemini", Decimal("0.035128"), "native_auto"),
)
KEYS = {f"BENCH_{name.upper()}_KEY": f"sk-bench-{name}" for name, *_ in ENGINES}


def make(
    folder: Path,
    engines: AnswerEngines,
    *,
    prompts: int,
    at_once: int,
    cap: Decimal,
    price_share: Decimal = Decimal(1),
    timeout_seconds: float = 2.0,
) -> None:
    """Write plumbline.yaml and the panel; `price_share` is the set price as a share of the true one."""
    listed = [
        {
            "name": name,
            "model": model,
            "key": f"BENCH_{name.upper()}_KEY",
            "endpoint": engines.base(path),
            "contract": contract,
            "price_usd": str(price * price_share),
            "concurrency": at_once // len(ENGINES),
            "per_minute": 6000,
            "timeout_seconds": timeout_seconds,
        }
        for name, model, path, price, contract in ENGINES
    ]
    settings = {
        "ai": {"brands": ["Acme", "Rival"], "engines": listed, "sampling": {"aa_prompts": 0}},
        "llm": {"daily_cap": str(cap), "monthly_cap": str(10 * cap)},
    }
    panel = folder / "landing" / "ai_panel"
    panel.mkdir(parents=True)
    (folder / "plumbline.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    rows = [f"q{n:04d},Question {n}: which one would you buy?,shortlist,en-US,true,1" for n in range(prompts)]
    text = "\n".join(["prompt_id,prompt_text,intent,locale,is_core,weight", *rows]) + "\n"
    (panel / "panel.csv").write_text(text, encoding="utf-8")
