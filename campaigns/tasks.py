"""What Celery runs: ids in, one service call, nothing else."""

from __future__ import annotations

from celery import shared_task

from campaigns.services import plan, send
from campaigns.services import reconcile as reconcile_service


@shared_task(name="send_due")
def send_due() -> None:
    """Send one batch. A full one asks for two more, so that a backlog soon has every process at work."""
    if send.send_batch().full:
        send_due.apply_async(expires=10)
        send_due.apply_async(expires=10)


@shared_task(name="reconcile")
def reconcile() -> None:
    """Find out what became of tries whose outcome nobody recorded."""
    reconcile_service.reconcile()


@shared_task(name="replan_changed")
def replan_changed() -> None:
    """Plan again where a sequence file has changed since the last plan."""
    plan.replan_changed()
