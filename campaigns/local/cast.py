"""The patients of the demo: plainly demo data, numbers and addresses reserved for fiction.

Each lives through a part of a course and behaves in one way that a clinic will meet: answers well, answers
badly, says stop, misses a visit, is moved, writes something worrying. Days count from the first day of the
rehearsal; clock times are wall time at the clinic.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import time

WHOLE_COURSE = ("welcome", "previsit", "pretreatment", "aftercare", "course_end", "missed_visit")


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happens to one patient's visit: `move` (to `days` later), `cancel` or `miss`."""

    kind: str
    visit: int
    days_before: int = 1
    days_later: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoPatient:
    """One patient. `sessions` are days of treatment; `consultation` is the day of the first visit, if any.

    `answers` maps a question to the replies in order; the last one repeats. Who has no phone answers by the
    form in the e-mail: the choice, and after a space a note. `says` are texts that come unasked, by the day
    they come.
    """

    name: str
    family: str
    language: str
    phone: str = ""
    email: str = ""
    enrolled: int = 0
    consultation: int | None = None
    sessions: Sequence[int] = ()
    at: time = time(14, 0)
    answers: Mapping[str, Sequence[str]] = field(default_factory=dict)
    says: Mapping[int, str] = field(default_factory=dict)
    events: Sequence[Event] = ()
    clicks_unsubscribe: int | None = None
    course_ends: int | None = None


STEADY = {
    "pain": ("7", "6", "5", "4", "3"),
    "side_effects": ("N",),
    "nsaids_taken": ("N",),
    "ready": ("Y",),
    "confirm": ("Y",),
    "change": ("3", "2"),
    "function": ("5", "6", "7"),
}

BY_FORM = {
    **STEADY,
    "side_effects": ("no",),
    "nsaids_taken": ("no",),
    "ready": ("yes",),
    "confirm": ("yes",),
}

CAST: tuple[DemoPatient, ...] = (
    DemoPatient(
        name="Demo Ada",
        family="Example",
        language="en-CA",
        phone="+16045550101",
        email="ada@patients.example",
        consultation=8,
        sessions=(15, 29, 43, 57, 71),
        answers=STEADY,
    ),
    DemoPatient(
        name="Demo Ben",
        family="Example",
        language="en-CA",
        phone="+16045550102",
        email="ben@patients.example",
        enrolled=1,
        consultation=9,
        sessions=(16, 30, 44),
        at=time(9, 30),
        answers={**STEADY, "pain": ("7 out of 10", "6-7", "6")},
        events=(Event(kind="move", visit=3, days_before=3, days_later=2),),
    ),
    DemoPatient(
        name="Demo Cleo",
        family="Example",
        language="en-CA",
        phone="+16045550103",
        enrolled=2,
        sessions=(9, 23),
        at=time(16, 15),
        answers={**STEADY, "pain": ("4", "9")},
    ),
    DemoPatient(
        name="Demo Dev",
        family="Example",
        language="en-CA",
        phone="+16045550104",
        email="dev@patients.example",
        enrolled=3,
        sessions=(12, 26, 40),
        answers={"pain": ("five",), "ready": ("not sure, can I ask you something?",)},
        says={20: "STOP", 31: "START"},
    ),
    DemoPatient(
        name="Demo Elin",
        family="Example",
        language="en-CA",
        email="elin@patients.example",
        enrolled=4,
        consultation=10,
        sessions=(17, 31),
        answers={**BY_FORM, "pain": ("5 May I swim?", "4")},
        clicks_unsubscribe=33,
    ),
    DemoPatient(
        name="Démo Florence",
        family="Exemple",
        language="fr-CA",
        phone="+16045550105",
        email="florence@patients.example",
        consultation=7,
        sessions=(14, 28),
        at=time(10, 45),
        answers={**STEADY, "pain": ("7/10", "6 sur 10", "5"), "ready": ("Oui",), "side_effects": ("non",)},
    ),
    DemoPatient(
        name="Démo Gilles",
        family="Exemple",
        language="fr-CA",
        phone="+16045550106",
        email="gilles@patients.example",
        enrolled=5,
        sessions=(13, 27),
        answers={**STEADY, "side_effects": ("O",)},
        events=(Event(kind="miss", visit=2),),
    ),
    DemoPatient(
        name="Démo Hélène",
        family="Exemple",
        language="fr-CA",
        phone="+16045550107",
        enrolled=6,
        sessions=(11, 25, 39),
        answers={"pain": ("sept",), "ready": ("Y",)},
        says={28: "ARRET"},
    ),
    DemoPatient(
        name="Démo Isaac",
        family="Exemple",
        language="fr-CA",
        email="isaac@patients.example",
        enrolled=12,
        consultation=19,
        sessions=(26, 40),
        answers={**BY_FORM, "pain": ("9", "6")},
        events=(Event(kind="cancel", visit=2, days_before=4),),
    ),
    DemoPatient(
        name="تجربة جميلة",
        family="مثال",
        language="ar",
        phone="+16045550108",
        email="jamila@patients.example",
        consultation=6,
        sessions=(13, 27),
        at=time(11, 0),
        answers={**STEADY, "pain": ("٧", "6", "٥/١٠"), "ready": ("نعم",), "side_effects": ("لا",)},
    ),
    DemoPatient(
        name="تجربة كريم",
        family="مثال",
        language="ar",
        phone="+16045550109",
        email="karim@patients.example",
        enrolled=7,
        sessions=(14, 28),
        answers={**STEADY, "pain": ("6", "5")},
        says={29: "عندي ألم في الصدر وصعوبة في التنفس"},
    ),
    DemoPatient(
        name="تجربة ليلى",
        family="مثال",
        language="ar",
        phone="+16045550110",
        enrolled=9,
        sessions=(18, 32),
        answers={"pain": ("8",), "ready": ("Y",)},
        says={36: "إيقاف"},
    ),
    DemoPatient(
        name="Demo Mia",
        family="Example",
        language="en-CA",
        phone="+16045550111",
        email="mia@patients.example",
        enrolled=2,
        sessions=(6, 13, 20, 27),
        at=time(15, 30),
        answers=STEADY,
        course_ends=28,
    ),
    DemoPatient(
        name="Démo Noé",
        family="Exemple",
        language="fr-CA",
        phone="+16045550112",
        email="noe@patients.example",
        enrolled=54,
        consultation=58,
        sessions=(65, 79, 93),
        answers=STEADY,
    ),
    DemoPatient(
        name="ਡੈਮੋ ਹਰਜੋਤ",
        family="ਨਮੂਨਾ",
        language="pa",
        phone="+16045550121",
        email="harjot@patients.example",
        enrolled=1,
        consultation=8,
        sessions=(15,),
        answers={**STEADY, "pain": ("੭", "੭ ਜਾਂ ੮", "5"), "ready": ("ਹਾਂ",), "side_effects": ("ਨਹੀਂ",)},
    ),
    DemoPatient(
        name="示範美玲",
        family="例",
        language="zh-Hant",
        phone="+16045550122",
        email="meiling@patients.example",
        enrolled=2,
        consultation=10,
        sessions=(17,),
        answers={**STEADY, "pain": ("七分", "唔知呀", "5"), "ready": ("好",)},
    ),
    DemoPatient(
        name="示范小军",
        family="例",
        language="zh-Hans",
        phone="+16045550123",
        sessions=(16,),
        enrolled=6,
        answers={**STEADY, "pain": ("6", "六七分吧", "5")},
    ),
    DemoPatient(
        name="Demo Luz",
        family="Halimbawa",
        language="fil",
        phone="+16045550124",
        email="luz@patients.example",
        enrolled=3,
        consultation=11,
        sessions=(18,),
        answers={**STEADY, "pain": ("anim", "mga 6 o 7", "5"), "ready": ("Oo",), "side_effects": ("wala",)},
    ),
    DemoPatient(
        name="데모 민지",
        family="보기",
        language="ko",
        phone="+16045550125",
        sessions=(19,),
        enrolled=8,
        answers={**STEADY, "pain": ("7점", "글쎄요", "5"), "ready": ("네",)},
    ),
    DemoPatient(
        name="نمونه پریسا",
        family="مثال",
        language="fa",
        phone="+16045550126",
        email="parisa@patients.example",
        enrolled=4,
        consultation=12,
        sessions=(20,),
        answers={**STEADY, "pain": ("۷", "نه", "5"), "ready": ("بله",)},
    ),
    DemoPatient(
        name="Demo Marisol",
        family="Ejemplo",
        language="es",
        phone="+16045550127",
        email="marisol@patients.example",
        enrolled=5,
        sessions=(21,),
        answers={**STEADY, "pain": ("siete", "regular", "5"), "ready": ("sí",), "side_effects": ("no",)},
    ),
    DemoPatient(
        name="Mẫu Thu",
        family="Ví Dụ",
        language="vi",
        phone="+16045550128",
        sessions=(22,),
        enrolled=10,
        answers={**STEADY, "pain": ("bảy", "không", "5"), "ready": ("có",)},
    ),
    DemoPatient(
        name="डेमो मीना",
        family="नमूना",
        language="hi",
        phone="+16045550129",
        email="meena@patients.example",
        enrolled=7,
        sessions=(23,),
        answers={**STEADY, "pain": ("७", "ठीक ठाक", "5"), "ready": ("हाँ",)},
    ),
    DemoPatient(
        name="Демо Марина",
        family="Пример",
        language="ru",
        phone="+16045550130",
        sessions=(24,),
        enrolled=11,
        answers={**STEADY, "pain": ("семь", "шесть-семь", "5"), "ready": ("да",), "side_effects": ("нет",)},
    ),
    DemoPatient(
        name="Демо Оксана",
        family="Приклад",
        language="uk",
        phone="+16045550131",
        email="oksana@patients.example",
        enrolled=9,
        sessions=(25,),
        answers={**STEADY, "pain": ("сім", "так собі", "5"), "ready": ("так",), "side_effects": ("ні",)},
    ),
)
