"""Runs in OpenStack's environment: Keystone's own mapping engine, asked line by line.

In: `{"mapping": …, "assertion": {"name": "value;value"}}`. Out: `{"mapped": …}` or `{"refused": "SomeException"}`.
"""

import json
import sys
from typing import Any


def answer(line: str) -> dict[str, Any]:
    from keystone.federation import utils

    question = json.loads(line)
    mapping = {"id": "m", **question["mapping"]}
    try:
        utils.validate_mapping_structure(mapping)
        return {"mapped": utils.create_attribute_mapping_rules_processor(mapping).process(question["assertion"])}
    except Exception as error:  # noqa: BLE001  # whatever it says no with
        return {"refused": type(error).__name__}


def main() -> None:
    import keystone.conf

    keystone.conf.configure()
    keystone.conf.CONF([], project="keystone", default_config_files=[])
    for line in sys.stdin:
        print(json.dumps(answer(line)), flush=True)


if __name__ == "__main__":
    main()
