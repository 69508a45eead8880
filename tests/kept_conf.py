"""Keys of sparkConf, by number in the list of bad inputs, that no request and no object may set."""

from __future__ import annotations

KEPT: list[tuple[str, ...]] = [
    ("B031", "spark.kubernetes.driver.podTemplateFile"),
    ("B032", "spark.kubernetes.executor.podTemplateFile"),
    ("B034", "spark.kubernetes.driver.volumes.persistentVolumeClaim.x.options.claimName", "other"),
    ("B035", "spark.kubernetes.driver.secrets.other", "/s"),
    ("B037", "spark.kubernetes.driver.label.app", "yunikorn"),
    ("B038", "spark.kubernetes.driver.annotation.x"),
    ("B040", "spark.kubernetes.driver.pod.name", "victim-driver"),
    ("B041", "spark.kubernetes.file.upload.path", "s3a://evil"),
    ("B043", "spark.kubernetes.container.image.pullSecrets"),
    ("B044", "spark.kubernetes.scheduler.name"),
    ("B045", "spark.master", "k8s://x"),
    ("B046", "spark.master=k8s://x"),
    ("B046", "spark.sql.shuffle.partitions=1\nspark.master"),
    ("B047", "spark.sql.shuffle.partitions "),
    ("B047", "spark.sql.shuffle.partitions\t"),
    ("B048", " spark.sql.shuffle.partitions"),
    ("B049", "spark.user.a\n--conf spark.x", "y"),
    ("B049", "spark.user.a", "x\n--conf spark.x=y"),
    ("B090", "spark.files"),
    ("B090", "spark.archives"),
    ("B090", "spark.submit.pyFiles"),
    ("B090", "spark.yarn.dist.files", "file:///x"),
    ("B095", "spark.jars.ivySettings", "/tmp/x"),
    ("B096", "spark.jars.packages", "a:b:1"),
    ("S21", "spark.eventLog.dir", "s3a://evil"),
]
