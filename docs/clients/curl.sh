#!/bin/sh
# A query, a persisted operation by its id, and a stream, with curl.
set -eu
url=${EVENTGRAPH_URL:-http://localhost:4000}
key=$EVENTGRAPH_KEY

# A query with variables.
curl -sS "$url/graphql" -H "authorization: Bearer $key" -H 'content-type: application/json' \
  -d '{"query": "query ($first: Int) { events(first: $first) { edges { node { id name status } } } }", "variables": {"first": 10}}'
echo

# A persisted operation by its id: `Events` of operations/manifest.json. By GET, so that it can be cached on the way.
curl -sS -G "$url/graphql" -H "authorization: Bearer $key" --data-urlencode 'variables={"first": 10}' \
  --data-urlencode 'documentId=28c4fcedbebb7faa3aa8fac064ed3507626cc3bc5caf4e5888c832f1fe259952'
echo

# A stream of Server-Sent Events: the current value first, then every change, until the client goes (here after 2 seconds).
curl -sS -N --max-time "${SECONDS_TO_LISTEN:-2}" "$url/graphql" -H "authorization: Bearer $key" -H 'content-type: application/json' -H 'accept: text/event-stream' \
  -d '{"query": "subscription { attendanceChanged { cursor event { id } attendance { currentAttendees } } }"}' || [ $? -eq 28 ]
