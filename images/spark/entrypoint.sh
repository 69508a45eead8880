#!/bin/bash
# What Spark's Kubernetes back end expects of an image: `driver ARGUMENTS...` or `executor`, told the rest by
# environment. The contract: resource-managers/kubernetes/docker/src/main/dockerfiles/spark/entrypoint.sh in Spark 3.5.
set -euo pipefail

# Hadoop asks for the name of the user; a cluster may run us under an id that has none.
if ! getent passwd "$(id -u)" >/dev/null && [ -w /etc/passwd ]; then
  echo "$(id -u):x:$(id -u):$(id -g):spark:${SPARK_HOME}:/bin/false" >>/etc/passwd
fi

java_options=()
while IFS= read -r -d '' entry; do
  java_options+=("${entry#*=}")
done < <(env -0 | grep -z '^SPARK_JAVA_OPT_' | sort -z -t_ -k4 -n || true)

classpath="${SPARK_CLASSPATH:+${SPARK_CLASSPATH}:}${SPARK_HOME}/jars/*"
classpath="${SPARK_CONF_DIR:-${SPARK_HOME}/conf}:${classpath}${SPARK_EXTRA_CLASSPATH:+:${SPARK_EXTRA_CLASSPATH}}"

case "${1:-}" in
  driver)
    shift
    command=("${SPARK_HOME}/bin/spark-submit"
      --conf "spark.driver.bindAddress=${SPARK_DRIVER_BIND_ADDRESS}"
      --conf "spark.executorEnv.SPARK_DRIVER_POD_IP=${SPARK_DRIVER_BIND_ADDRESS}"
      --deploy-mode client
      "$@")
    ;;
  executor)
    command=("${JAVA_HOME:+${JAVA_HOME}/bin/}java"
      "${java_options[@]}"
      "-Xms${SPARK_EXECUTOR_MEMORY}" "-Xmx${SPARK_EXECUTOR_MEMORY}"
      -cp "${classpath}${SPARK_DIST_CLASSPATH:+:${SPARK_DIST_CLASSPATH}}"
      org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBackend
      --driver-url "${SPARK_DRIVER_URL}"
      --executor-id "${SPARK_EXECUTOR_ID}"
      --cores "${SPARK_EXECUTOR_CORES}"
      --app-id "${SPARK_APPLICATION_ID}"
      --hostname "${SPARK_EXECUTOR_POD_IP}"
      --resourceProfileId "${SPARK_RESOURCE_PROFILE_ID}"
      --podName "${SPARK_EXECUTOR_POD_NAME}")
    ;;
  *)
    exec "$@"
    ;;
esac

# tini hands on signals and reaps: without it a SIGTERM never reaches the JVM behind the shell.
exec tini -s -- "${command[@]}"
