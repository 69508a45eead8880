"""Estimate pi on Spark's executors. Usage: pi.py [SAMPLES]"""

import sys
from random import Random

from pyspark.sql import SparkSession

PARTITIONS = 4


def main(samples: int) -> None:
    spark = SparkSession.builder.getOrCreate()

    def hits(seed: int) -> int:
        random = Random(seed)  # noqa: S311 (a seeded estimate, not a secret)
        return sum(random.random() ** 2 + random.random() ** 2 <= 1 for _ in range(samples // PARTITIONS))

    inside = spark.sparkContext.parallelize(range(PARTITIONS), PARTITIONS).map(hits).sum()
    print(f"RESULT pi is roughly {4 * inside / samples:.4f} (Spark {spark.version}, {samples} samples)")
    spark.stop()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 400_000)
