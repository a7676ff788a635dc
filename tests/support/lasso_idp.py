"""A SAML 2.0 identity provider made of Lasso (Entr'ouvert's C library), run by Debian's own Python: not one of ours.

lasso_idp.py metadata URL CERTIFICATE            its metadata
lasso_idp.py answer DIRECTORY QUERY JSON         the answer to a request; JSON: name_id, format, attributes, encrypt
"""

import json
import sys
from pathlib import Path

METADATA = """<?xml version="1.0"?>
<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{url}/metadata">
 <IDPSSODescriptor WantAuthnRequestsSigned="false" protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
  <KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data>
   <ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></KeyDescriptor>
  <NameIDFormat>urn:oasis:names:tc:SAML:2.0:nameid-format:persistent</NameIDFormat>
  <SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="{url}/sso"/>
 </IDPSSODescriptor>
</EntityDescriptor>
"""


def metadata(url: str, certificate: str) -> str:
    lines = [line for line in Path(certificate).read_text().splitlines() if "-----" not in line]
    return METADATA.format(url=url, certificate="".join(lines))


def answer(directory: str, query: str, wishes: dict) -> dict:
    import lasso

    home = Path(directory)
    server = lasso.Server(str(home / "idp.xml"), str(home / "idp.key"), None, str(home / "idp.crt"))
    server.signatureMethod = lasso.SIGNATURE_METHOD_RSA_SHA256
    server.addProvider(lasso.PROVIDER_ROLE_SP, str(home / "sp.xml"))
    login = lasso.Login(server)
    login.processAuthnRequestMsg(query)
    login.request.nameIDPolicy = lasso.Samlp2NameIDPolicy()
    login.request.nameIDPolicy.format = lasso.SAML2_NAME_IDENTIFIER_FORMAT_TRANSIENT
    login.validateRequestMsg(True, True)
    now = wishes["now"]
    login.buildAssertion(lasso.SAML2_AUTHN_CONTEXT_PASSWORD, now, "unused", wishes["not_before"], wishes["not_after"])
    assertion = login.assertion
    name = lasso.Saml2NameID()
    name.content, name.format = wishes["name_id"], wishes["format"]
    assertion.subject.nameID = name
    if wishes["attributes"]:
        statement = lasso.Saml2AttributeStatement()
        statement.attribute = tuple(attribute(lasso, each, values) for each, values in wishes["attributes"].items())
        assertion.attributeStatement = (statement,)
    login.buildAuthnResponseMsg()
    return {"action": login.msgUrl, "SAMLResponse": login.msgBody, "RelayState": login.msgRelayState}


def attribute(lasso, name: str, values: list):
    made = lasso.Saml2Attribute()
    made.name, made.nameFormat = name, "urn:oasis:names:tc:SAML:2.0:attrname-format:uri"
    made.attributeValue = tuple(value(lasso, each) for each in values)
    return made


def value(lasso, text: str):
    node = lasso.MiscTextNode.newWithString(text)
    node.textChild = True
    made = lasso.Saml2AttributeValue()
    made.any = (node,)
    return made


if __name__ == "__main__":
    if sys.argv[1] == "metadata":
        print(metadata(*sys.argv[2:4]))
    else:
        print(json.dumps(answer(sys.argv[2], sys.argv[3], json.loads(sys.argv[4]))))
