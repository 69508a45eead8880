"""PySpark programs that Moka itself brings; the Spark image holds them in /opt/moka.

They import no archer.
"""
