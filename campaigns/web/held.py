"""What reaches many patients and waits: for a second person, then for five minutes."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from campaigns.domain.errors import NotAllowed
from campaigns.queries import clock
from campaigns.services import held_acts, import_files
from campaigns.web import access
from campaigns.web.told import told


@require_safe
def held(request: HttpRequest) -> HttpResponse:
    """The newest acts, those that wait first."""
    me = access.staff(request)
    context = {
        "acts": held_acts.of_clinic(me.clinic_id),
        "may_approve": me.role in held_acts.APPROVERS,
        "may_recall": me.role in held_acts.RECALLERS,
        "may_import": import_files.may(me),
        "now": clock.now(),
    }
    return render(request, "web/held.html", context)


@require_POST
def approve(request: HttpRequest, held_id: int) -> HttpResponse:
    """The second person agrees."""
    act, me = access.held_act(request, held_id), access.staff(request)
    try:
        held_acts.approve(act.pk, by=me)
    except NotAllowed as error:
        messages.error(request, told(str(error)))
    else:
        messages.success(request, _("Approved. It goes in five minutes, and can be recalled until then."))
    return redirect("held")


@require_POST
def recall(request: HttpRequest, held_id: int) -> HttpResponse:
    """Stop it before it goes."""
    act, me = access.held_act(request, held_id), access.staff(request)
    try:
        held_acts.recall(act.pk, by=me)
    except NotAllowed as error:
        messages.error(request, told(str(error)))
    else:
        messages.success(request, _("Recalled. Nobody was written to."))
    return redirect("held")
