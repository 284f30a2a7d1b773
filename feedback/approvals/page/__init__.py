"""The page on which people decide, made for a phone: server-rendered, no script, no network, one person's token."""

from feedback.approvals.page.routes import PageSettings, application
from feedback.approvals.page.serving import PageRefused, serve

__all__ = ["PageRefused", "PageSettings", "application", "serve"]
