"""What `millrace -o json` printed, call behind call."""

import json


def documents(path):
    """The JSON documents of a file, one behind the other."""
    with open(path, encoding="utf-8") as file:
        text = file.read().strip()
    decoder, found, at = json.JSONDecoder(), [], 0
    while at < len(text):
        document, at = decoder.raw_decode(text, at)
        found.append(document)
        while at < len(text) and text[at].isspace():
            at += 1
    return found
