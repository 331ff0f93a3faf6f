"""Which column holds what: guessed by its name, said by a person, remembered for the next file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from campaigns.domain.import_cells import fold
from campaigns.domain.import_terms import Column, ImportRefused, Refusal

_NAMES: Mapping[Column, str] = {
    Column.PATIENT_ID: (
        "patient id,patient number,patient no,patient guid,patient,client id,client number,client guid,"
        "chart number,chart no,external id,reference,"
        "numero de patient,no de patient,numero de dossier,id patient"
    ),
    Column.FULL_NAME: (
        "name,full name,patient name,client,client name,patient,nom complet,nom du patient,nom et prenom"
    ),
    Column.GIVEN_NAME: (
        "given name,first name,firstname,forename,patient first name,client first name,preferred name,prenom,"
        "prenom du patient"
    ),
    Column.FAMILY_NAME: (
        "family name,last name,lastname,surname,patient last name,client last name,nom,nom de famille"
    ),
    Column.LANGUAGE: (
        "language,preferred language,language code,written language,locale,langue,langue preferee"
    ),
    Column.PHONE: (
        "mobile,mobile phone,mobile number,cell,cell phone,cellphone,cell number,phone,phone number,"
        "telephone,primary phone,tel,cellulaire,mobile patient,numero de telephone,portable,"
        "telephone cellulaire,telephone mobile,home phone,telephone maison,telephone domicile"
    ),
    Column.EMAIL: "email,e mail,email address,e mail address,courriel,adresse courriel,adresse electronique",
    Column.CONSENT_SMS: (
        "consent sms,sms consent,text consent,consent to texts,agrees to texts,texts,sms,"
        "text message consent,consentement sms,consentement textos,accepte les textos,textos"
    ),
    Column.CONSENT_EMAIL: (
        "consent email,email consent,consent e mail,e mail consent,consent to email,agrees to email,"
        "agrees to e mail,consentement courriel,accepte les courriels"
    ),
    Column.CONSENT_EVIDENCE: (
        "consent evidence,evidence,how agreed,how the patient agreed,consent how,consent source,preuve,"
        "preuve du consentement,comment,consentement comment"
    ),
    Column.CONSENT_DATE: "consent date,date of consent,agreed on,consented on,date du consentement",
    Column.VISIT_ID: (
        "visit id,appointment id,appointment number,appointment guid,booking id,event id,visit number,"
        "id rendez vous,numero de rendez vous,no de rendez vous"
    ),
    Column.VISIT_DATE: (
        "date,visit date,appointment date,start,start date,starts at,start at,appointment,appointment start,"
        "date de visite,date du rendez vous,date de rendez vous,rendez vous,debut"
    ),
    Column.VISIT_TIME: (
        "time,visit time,start time,appointment time,heure,heure de visite,heure du rendez vous,"
        "heure de debut"
    ),
    Column.VISIT_KIND: (
        "kind,type,visit type,visit kind,appointment type,treatment,treatment name,service,item,"
        "type de visite,type de rendez vous,traitement"
    ),
    Column.VISIT_STATUS: (
        "status,state,visit status,appointment status,appointment state,arrival,statut,etat,"
        "statut du rendez vous"
    ),
}
_KNOWN: dict[str, tuple[Column, ...]] = {}
for _column, _names in _NAMES.items():
    for _name in _names.split(","):
        _KNOWN[_name] = (*_KNOWN.get(_name, ()), _column)

_HOME = frozenset({"home", "work", "house", "landline", "domicile", "maison", "travail", "bureau"})

Columns = tuple[Column | None, ...]
"""What each column holds, in the order of the file."""


def guess(
    header: Sequence[str], rows: Sequence[Sequence[str]] = (), known: Mapping[str, str] | None = None
) -> Columns:
    """What each column seems to hold: as it was said of a column of that name before (`known`: folded name
    -> column, empty for none), else by its name. Each meaning once, the first column that has it. For a
    person to look at, never to go by."""
    found: list[Column | None] = []
    for place, name in enumerate(header):
        folded = fold(name)
        if known is not None and folded in known:
            column = Column(known[folded]) if known[folded] else None
        else:
            column = _by_name(folded, [row[place] for row in rows if len(row) > place])
        found.append(column if column not in found else None)
    return _without_home_phone(header, found)


def _by_name(folded: str, shown: Sequence[str]) -> Column | None:
    """`Patient` may be a number or a name: what stands below decides."""
    candidates = _KNOWN.get(folded, ())
    if len(candidates) < 2:
        return candidates[0] if candidates else None
    is_named = any(" " in cell.strip() for cell in shown if cell)
    return Column.FULL_NAME if is_named else Column.PATIENT_ID


def _without_home_phone(header: Sequence[str], found: list[Column | None]) -> Columns:
    """A number at home takes no texts: another column goes before it, wherever it stands."""
    for place, name in enumerate(header):
        is_better = Column.PHONE in _KNOWN.get(fold(name), ()) and not is_home(name)
        if is_better and found[place] is None:
            held = next((at for at, column in enumerate(found) if column is Column.PHONE), None)
            if held is not None and is_home(header[held]):
                found[held], found[place] = None, Column.PHONE
    return tuple(found)


def is_home(name: str) -> bool:
    """Whether a column of this name holds numbers of landlines."""
    return not _HOME.isdisjoint(fold(name).split())


def remembered(header: Iterable[str], mapping: Columns) -> dict[str, str]:
    """What was said of each column, by its folded name: for `guess` of the next file."""
    return {
        fold(name): column.value if column else ""
        for name, column in zip(header, mapping, strict=True)
        if fold(name)
    }


def check(mapping: Columns) -> None:
    """Refuse columns that do not say enough. Raises ImportRefused."""
    held = [column for column in mapping if column]
    if len(held) != len(set(held)):
        raise ImportRefused(Refusal.COLUMN_TWICE)
    has = set(held)
    if not has & {Column.PATIENT_ID, Column.PHONE, Column.EMAIL}:
        raise ImportRefused(Refusal.NEEDS_PERSON)
    if not has & {Column.PATIENT_ID, Column.GIVEN_NAME, Column.FULL_NAME}:
        raise ImportRefused(Refusal.NEEDS_NAME)
    if has & {Column.VISIT_ID, Column.VISIT_TIME, Column.VISIT_STATUS} and Column.VISIT_DATE not in has:
        raise ImportRefused(Refusal.NEEDS_DATE)
    if not (has_visits(mapping) or brings_consent(mapping)):
        raise ImportRefused(Refusal.NEEDS_CONSENT)


def has_visits(mapping: Columns) -> bool:
    """Whether rows of this file are about visits."""
    return Column.VISIT_DATE in mapping


def brings_consent(mapping: Columns) -> bool:
    """Whether the file says who agreed to what, how and when: without it no patient can be made of a row."""
    needed = {Column.CONSENT_EVIDENCE, Column.CONSENT_DATE}
    return needed <= set(mapping) and not {Column.CONSENT_SMS, Column.CONSENT_EMAIL}.isdisjoint(mapping)
