"""Keep the executors busy for some seconds. Usage: sleeps.py [SECONDS]"""

import sys
import time

from pyspark.sql import SparkSession

PARTITIONS = 2


def main(seconds: float) -> None:
    spark = SparkSession.builder.getOrCreate()
    until = time.time() + seconds

    def work(_partition: int) -> int:
        rounds = 0
        while time.time() < until:
            rounds += sum(range(1000)) > 0
            time.sleep(0.01)
        return rounds

    print(f"working for {seconds:g} seconds", flush=True)
    rounds = spark.sparkContext.parallelize(range(PARTITIONS), PARTITIONS).map(work).sum()
    print(f"RESULT rounds={rounds} partitions={PARTITIONS}")
    spark.stop()


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 30.0)
