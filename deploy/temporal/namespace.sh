#!/bin/sh
# Creates the namespace and the search attributes that Pigeonpost sets, where they are missing.
set -eu

search_attributes='PigeonpostProvider PigeonpostAccount PigeonpostSubscription PigeonpostEventType'

# Both are named each time: not every command reads the namespace from the environment.
operator() {
  temporal operator "$@" --address "$TEMPORAL_ADDRESS" --namespace "$TEMPORAL_NAMESPACE"
}

# Runs a command until it succeeds, for at most two minutes or so; then shows why it does not.
eventually() {
  tries=60
  until output=$("$@" 2>&1); do
    tries=$((tries - 1))
    if [ "$tries" -eq 0 ]; then
      echo "$output" >&2
      return 1
    fi
    sleep 2
  done
}

create_namespace() {
  operator namespace describe || operator namespace create --retention "$NAMESPACE_RETENTION"
}

create_search_attribute() {
  search_attribute_is_listed "$1" || operator search-attribute create --name "$1" --type Keyword
}

search_attribute_is_listed() {
  operator search-attribute list | grep -w "$1"
}

eventually operator cluster health
eventually create_namespace
for name in $search_attributes; do
  eventually create_search_attribute "$name"
  eventually search_attribute_is_listed "$name"
done
echo "namespace $TEMPORAL_NAMESPACE is ready"
