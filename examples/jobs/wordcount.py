"""Count words with Spark: makes its own text, so it needs no input. Usage: wordcount.py [LINES]"""

import sys

from pyspark.sql import SparkSession
from pyspark.sql import functions as sql

WORDS = ["spark", "moka", "archer", "queue", "driver", "executor", "shuffle", "stage"]


def main(lines: int) -> None:
    spark = SparkSession.builder.getOrCreate()
    word = sql.element_at(
        sql.array(*[sql.lit(text) for text in WORDS]), (sql.col("id") % len(WORDS) + 1).cast("int")
    )
    text = spark.range(lines).select(sql.concat_ws(" ", word, sql.lit("runs"), word).alias("line"))
    words = text.select(sql.explode(sql.split("line", " ")).alias("word"))
    counts = words.groupBy("word").count().orderBy(sql.desc("count"), "word")
    counts.show()
    distinct, total = counts.agg(sql.count("*"), sql.sum("count")).collect()[0]
    print(f"RESULT words={total} distinct={distinct} partitions={text.rdd.getNumPartitions()}")
    spark.stop()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
