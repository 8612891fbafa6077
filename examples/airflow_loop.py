"""Submits a job and waits until it has ended: what a task of Airflow, or any other orchestrator, does.

    LINECLEAR_API_KEY=... python3 airflow_loop.py PROVIDER JOB.json

Prints the job as it ended. The exit code is 0 when it completed, 1 when it failed, 2 when it was cancelled.
"""

import json
import os
import sys
import time

import requests

URL = os.environ.get("LINECLEAR_URL", "http://127.0.0.1:8080")
HEADERS = {"Authorization": f"Bearer {os.environ['LINECLEAR_API_KEY']}"}
POLL_SECONDS = float(os.environ.get("LINECLEAR_POLL_SECONDS", "30"))
EXIT_CODES = {"completed": 0, "failed": 1, "cancelled": 2}


def submit_and_wait(job_config, provider="replicate", **context):
    resp = requests.post(
        f"{URL}/api/cloud/{provider}/submit", json=job_config, headers=HEADERS, timeout=60
    )
    resp.raise_for_status()
    job_id = resp.json()["job_id"]

    while True:
        status = requests.get(f"{URL}/api/cloud/jobs/{job_id}", headers=HEADERS, timeout=60)
        # What the server cannot answer now it can answer later; what it refuses it will refuse again.
        if status.status_code < 500:
            status.raise_for_status()
            if status.json()["status"] in EXIT_CODES:
                return status.json()
        time.sleep(POLL_SECONDS)


if __name__ == "__main__":
    with open(sys.argv[2]) as file:
        job = submit_and_wait(json.load(file), provider=sys.argv[1])
    print(json.dumps(job, indent=2))
    sys.exit(EXIT_CODES[job["status"]])
