"""What `occi --examples` prints."""

EXAMPLES = """\
# Examples
## Quick reference guide
occi --endpoint {endpoint} --action list --resource os_tpl
occi --endpoint {endpoint} --action list --resource resource_tpl
occi --endpoint {endpoint} --action describe --resource os_tpl#debian6
occi --endpoint {endpoint} --action create --resource compute --mixin os_tpl#debian6 --mixin resource_tpl#small \
--attribute occi.core.title="My VM"
occi --endpoint {endpoint} --action delete --resource /compute/65sd4f654sf65g4-s5fg65sfg465sfg-sf65g46sf5g4sdfg

## Listing resources
occi --endpoint {endpoint} --action list --resource compute
occi --endpoint {endpoint} --action list --resource network
occi --endpoint {endpoint} --action list --resource storage
occi --endpoint {endpoint} --action list --resource os_tpl
occi --endpoint {endpoint} --action list --resource resource_tpl

## Describing resources
occi --endpoint {endpoint} --action describe --resource compute
occi --endpoint {endpoint} --action describe --resource network
occi --endpoint {endpoint} --action describe --resource storage
occi --endpoint {endpoint} --action describe --resource os_tpl
occi --endpoint {endpoint} --action describe --resource resource_tpl
occi --endpoint {endpoint} --action describe --resource /compute/65sd4f654sf65g4-s5fg65sfg465sfg-sf65g46sf5g4sdfg

## Creating resources
occi --endpoint {endpoint} --action create [ --attribute attribute_name='attribute_value' ]+ \
[ --mixin mixin_type#mixin_term ]+ --resource compute
occi --endpoint {endpoint} --action create [ --attribute attribute_name='attribute_value' ]+ \
[ --mixin mixin_type#mixin_term ]+ --resource network
occi --endpoint {endpoint} --action create [ --attribute attribute_name='attribute_value' ]+ \
[ --mixin mixin_type#mixin_term ]+ --resource storage
occi --endpoint {endpoint} --action create --resource compute --mixin os_tpl#debian6 --attribute occi.core.title="My VM" \
--context user_data="file:///path/to/file" --context public_key="file:///path/to/key.pub"

## Triggering actions, linking, updating
occi --endpoint {endpoint} --action trigger --trigger-action stop --resource /compute/ID
occi --endpoint {endpoint} --action link --resource /compute/ID --link /storage/ID
occi --endpoint {endpoint} --action unlink --resource /storagelink/ID
occi --endpoint {endpoint} --action update --resource /compute/ID --mixin resource_tpl#large

## Deleting resources
occi --endpoint {endpoint} --action delete --resource /compute/ID

## With a VOMS proxy
occi --endpoint {endpoint} --action list --resource compute --auth x509 --user-cred /tmp/x509up_u1000 --voms
"""
