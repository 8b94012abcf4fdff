#!/usr/bin/env python3
"""Writes the files of the four bulk runs to the standard output.

Usage: suite.py generate ROWS
       suite.py pipelines SHOWN        SHOWN: what `millrace bulk show -o json` printed of the generation
       suite.py projects SHOWN
       suite.py metadata CONNECTION...  of sqlite and postgres
"""

import json
import sys

from json_documents import documents

# What no row is above, what some rows are above, and what no row is below.
WIDE, STRICT, LOW = 1000, 500, 0

QUERIES = {
    "sqlite": """SELECT m.name AS table_name, c.name AS column_name, c.type AS data_type, 1 - c."notnull" AS nullable
                 FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table'""",
    "postgres": """SELECT table_name, column_name, data_type, (is_nullable = 'YES')::int AS nullable
                   FROM information_schema.columns WHERE table_schema = 'public'""",
}


def generated(shown):
    """The job that made the rows of each schema."""
    return {child["metadata"]["name"]: child["id"] for child in documents(shown)[0]["children"]}


def validation(name, job_id, **override):
    job = {"name": name, "service": "suite/validate-rows", "source": {"results": {"jobId": job_id}}}
    return job | ({"configOverride": override} if override else {})


def generate(rows):
    jobs = [
        {"name": schema, "service": f"suite/generate-{schema}", "source": {"range": {"first": 1, "count": int(rows)}}}
        for schema in ("retail", "finance", "healthcare")
    ]
    return {"metadata": {"name": "data generation", "project": "samples"}, "jobs": jobs}


def pipelines(shown):
    jobs = []
    for schema, job_id in sorted(generated(shown).items()):
        jobs.append(validation(f"{schema}-wide", job_id))
        jobs.append(validation(f"{schema}-strict", job_id, high=STRICT))
    return {"metadata": {"name": "pipelines"}, "parameters": {"low": LOW, "high": WIDE}, "jobs": jobs}


def projects(shown):
    """A bulk run a project. In that of finance the second of four pipelines finds something."""
    jobs = []
    for schema, job_id in sorted(generated(shown).items()):
        checks = [validation(f"{schema}-{i}", job_id) for i in range(1, 5)]
        if schema == "finance":
            checks[1]["configOverride"] = {"high": STRICT}
        jobs.append(
            {
                "name": schema,
                "service": "millrace/jobs",
                "source": {"inline": {"records": {"structs": checks}}},
                "parameters": {"low": LOW, "high": WIDE},
                "options": {"maxWorkers": 1, "stopOnError": True},
                "metadata": {"project": schema},
            }
        )
    return {"metadata": {"name": "projects"}, "jobs": jobs}


def metadata(*connections):
    jobs = [
        {
            "name": connection,
            "service": "suite/describe-column",
            "source": {
                "query": {
                    "connection": connection,
                    "query": QUERIES[connection],
                    "keyColumns": ["table_name", "column_name"],
                }
            },
        }
        for connection in connections
    ]
    return {"metadata": {"name": "metadata"}, "jobs": jobs}


if __name__ == "__main__":
    VERBS = {"generate": generate, "pipelines": pipelines, "projects": projects, "metadata": metadata}
    json.dump(VERBS[sys.argv[1]](*sys.argv[2:]), sys.stdout, indent=1)
