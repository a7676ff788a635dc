"""Names: spellings that mean the same are the same; nothing else is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.standards.ldap import LdapError, normal, parent


@pytest.mark.parametrize(
    ("dn", "same"),
    [
        ("GLUE2DomainID=KISTI,o=glue", "glue2domainid=KISTI,O=GLUE"),
        (" GLUE2DomainID = KISTI , o = glue ", "glue2domainid=KISTI,O=GLUE"),
        ("GLUE2DomainID=KISTI;o=glue", "glue2domainid=KISTI,O=GLUE"),
        (r"cn=a\,b,o=glue", r"cn=a\2Cb,o=glue"),
        ("cn=two   words,o=glue", "cn=Two Words,o=glue"),
        (r"cn=\ea\b9\80,o=glue", "cn=김,o=glue"),
        ("", "  "),
    ],
)
def test_spellings_of_one_name(dn: str, same: str) -> None:
    assert normal(dn) == normal(same)


def test_an_escaped_comma_is_not_a_separator() -> None:
    assert normal(r"cn=a\,b,o=glue") != normal("cn=a,cn=b,o=glue")
    assert parent(normal(r"cn=a\,b,o=glue")) == "o=glue"


def test_the_name_above() -> None:
    assert parent("a=1,b=2,c=3") == "b=2,c=3"
    assert parent("c=3") == ""
    assert parent(normal(r"cn=a\\,o=glue")) == "o=glue"
    assert parent(normal(r"cn=a\\\,b,o=glue")) == "o=glue"


@pytest.mark.parametrize("dn", ["glue", "o=glue,", "=x", "cn=x\\", r"cn=\ff", "o=" + "x" * 5000])
def test_what_is_no_name_is_refused(dn: str) -> None:
    with pytest.raises(LdapError):
        normal(dn)


@given(st.text(max_size=60))
def test_a_normal_name_is_its_own_normal_form(dn: str) -> None:
    try:
        found = normal(dn)
    except LdapError:
        return
    assert normal(found) == found
