"""Twilio's signatures on webhooks, and the table of its error codes."""

from __future__ import annotations

import hashlib

import pytest
from django.utils.datastructures import MultiValueDict

from campaigns.delivery.channels import Ending
from campaigns.delivery.sms_twilio import sign, validate
from campaigns.delivery.twilio_errors import Kind, kind_of, kind_of_answer

PATIENT = "+16045550134"
URL = "https://clinic.example/webhooks/twilio/inbound?a=1&b=%20x"
PARAMS = {"From": PATIENT, "Body": "7 é", "MessageSid": "SM1"}


class TestSignatures:
    def test_the_published_example_of_twilio_is_valid(self) -> None:
        url = "https://mycompany.com/myapp.php?foo=1&bar=2"
        params = {
            "CallSid": "CA1234567890ABCDE",
            "Caller": "+14158675309",
            "Digits": "1234",
            "From": "+14158675309",
            "To": "+18005551212",
        }
        assert validate(url, params, "RSOYDt4T1cUTdK1PDd93/VVr8B8=", ["12345"])

    def test_our_own_signature_is_valid(self) -> None:
        assert validate(URL, PARAMS, sign(URL, PARAMS, "token"), ["token"])

    def test_djangos_form_with_a_repeated_field_is_valid(self) -> None:
        form = MultiValueDict({"Media": ["b", "a"], "Body": ["7"]})
        whole = f"{URL}Body7MediaaMediab"  # address, then fields by name, then values in order
        assert validate(URL, form, sign(whole, {}, "token"), ["token"])

    @pytest.mark.parametrize("tokens", [["new", "old"], ["old", "new"], ["", "old"]])
    def test_while_tokens_change_either_is_taken(self, tokens: list[str]) -> None:
        assert validate(URL, PARAMS, sign(URL, PARAMS, "old"), tokens)

    def test_a_port_of_our_own_is_signed_with_or_without(self) -> None:
        seen = "http://127.0.0.1:8000/p"
        assert validate(seen, PARAMS, sign(seen, PARAMS, "token"), ["token"])
        assert validate(seen, PARAMS, sign("http://127.0.0.1/p", PARAMS, "token"), ["token"])

    @pytest.mark.parametrize("signed", ["https://clinic.example:443/p", "https://clinic.example/p"])
    @pytest.mark.parametrize("seen", ["https://clinic.example:443/p", "https://clinic.example/p"])
    def test_the_port_of_the_scheme_makes_no_difference(self, signed: str, seen: str) -> None:
        assert validate(seen, PARAMS, sign(signed, PARAMS, "token"), ["token"])

    @pytest.mark.parametrize(
        "seen",
        [
            URL.replace("https", "http"),
            URL.replace("clinic.example", "proxy.internal"),
            URL.replace("a=1", "a=2"),
            "https://clinic.example:none/",
            "",
        ],
    )
    def test_another_address_is_not_valid(self, seen: str) -> None:
        assert not validate(seen, PARAMS, sign(URL, PARAMS, "token"), ["token"])

    @pytest.mark.parametrize(
        "params",
        [{**PARAMS, "Extra": "1"}, {**PARAMS, "Body": "8"}, {"From": PATIENT}, {}, "From=%2B1604"],
    )
    def test_other_fields_are_not_valid(self, params: dict[str, object] | str) -> None:
        assert not validate(URL, params, sign(URL, PARAMS, "token"), ["token"])

    @pytest.mark.parametrize("signature", ["", "x", "é" * 28, "A" * 27 + "="])
    def test_another_signature_is_not_valid(self, signature: str) -> None:
        assert not validate(URL, PARAMS, signature, ["token"])

    def test_without_a_token_nothing_is_valid(self) -> None:
        assert not validate(URL, PARAMS, sign(URL, PARAMS, ""), [""])
        assert not validate(URL, PARAMS, sign(URL, PARAMS, "token"), [])

    def test_a_json_body_is_held_by_its_hash(self) -> None:
        body = '{"a": 1}'
        url = f"https://clinic.example/hook?bodySHA256={hashlib.sha256(body.encode()).hexdigest()}"
        signature = sign(url, {}, "token")
        assert validate(url, body, signature, ["token"])
        assert not validate(url, body + " ", signature, ["token"])


class TestCodes:
    @pytest.mark.parametrize(
        ("status", "code", "kind"),
        [
            (500, 20500, Kind.UNCERTAIN),
            (502, 502, Kind.UNCERTAIN),
            (503, 503, Kind.UNCERTAIN),
            (503, 20503, Kind.RETRY),
            (504, 504, Kind.UNCERTAIN),
            (302, 302, Kind.UNCERTAIN),
            (408, 408, Kind.UNCERTAIN),
            (401, 20003, Kind.CONFIG),
            (403, 403, Kind.CONFIG),
            (404, 404, Kind.CONFIG),
            (400, 400, Kind.REFUSED),
        ],
    )
    def test_an_answer_without_a_known_code_goes_by_its_status(
        self, status: int, code: int, kind: Kind
    ) -> None:
        assert kind_of_answer(status, code) is kind

    @pytest.mark.parametrize("kind", [Kind.BAD_ADDRESS, Kind.LANDLINE, Kind.OPTED_OUT, Kind.FILTERED])
    def test_a_refusal_for_good_is_never_tried_again(self, kind: Kind) -> None:
        assert kind.value.ending is Ending.REJECTED
        assert kind.value.reason is not None

    def test_an_unknown_code_is_a_refusal_a_person_sees(self) -> None:
        assert kind_of(1) is Kind.REFUSED
