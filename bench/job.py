"""The one job that everything is measured with: about 2.2 kB, as an Airflow operator sends it."""

from __future__ import annotations

import json
from typing import Final

BODY: Final = json.dumps(
    {
        "name": "ads_daily_features",
        "type": "python",
        "main_application_file": "s3a://moka-jobs/ads/daily_features/main.py",
        "arguments": ["--date", "2026-11-22", "--input", "s3a://warehouse/ads/events/dt=2026-11-22"]
        + [f"--feature=embedding_{number:02d}:window=28d:decay=0.97" for number in range(14)],
        "queue": "root.tier2.etl",
        "arch": "auto",
        "driver": {"cores": 2, "memory": "4g"},
        "executor": {"cores": 4, "memory": "14g", "instances": 40},
        "spark_conf": {
            "spark.sql.shuffle.partitions": "2000",
            "spark.sql.adaptive.enabled": "true",
            "spark.sql.adaptive.skewJoin.enabled": "true",
            "spark.sql.files.maxPartitionBytes": "268435456",
            "spark.speculation": "true",
            "spark.network.timeout": "600s",
            "spark.serializer": "org.apache.spark.serializer.KryoSerializer",
        },
        "deps": {"py_files": ["s3a://moka-jobs/ads/daily_features/lib.zip"]},
        "env": {"FEATURE_SET": "v7", "RUN_DATE": "2026-11-22"},
        "labels": {"dag": "ads_daily", "task": "features", "team": "ads"},
        "retry": {"max_attempts": 3, "backoff_seconds": 60},
        "timeout_seconds": 14400,
    }
)
