"""Fail with an exception on an executor, as a job with bad data does; spark-submit exits 1."""

from pyspark.sql import SparkSession


def broken(row: int) -> int:
    if row == 7:
        raise ValueError("row 7 is broken")
    return row


def main() -> None:
    spark = SparkSession.builder.getOrCreate()
    print("about to fail")
    spark.sparkContext.parallelize(range(10), 2).map(broken).sum()


if __name__ == "__main__":
    main()
