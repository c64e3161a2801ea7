/**
 * GraphiQL over the hub's own `/graphql`: queries by HTTP, subscriptions by WebSocket (graphql-transport-ws).
 *
 * `/explorer/#key=IPK_…` opens it with that key in the headers: what follows `#` never leaves the browser.
 */
import 'graphiql/setup-workers/vite';
import 'graphiql/style.css';
import './main.css';
import { createGraphiQLFetcher } from '@graphiql/toolkit';
import { GraphiQL } from 'graphiql';
import { parse } from 'graphql';
import { createElement } from 'react';
import { createRoot } from 'react-dom/client';

const placeholder = 'Bearer IPK_your_key';

const now = `# What is on now? Press the button on the right.
# Attendance, and what only some products
# know, need a key in "Headers".
query Now {
  events(first: 20, filter: { status: ONGOING }) {
    edges {
      node {
        id
        name
        status
        attendance {
          totalRegistered
          currentAttendees
          attendanceRate
          stale
        }
        ... on GateEvent {
          gates {
            id
            name
            status
            throughput
          }
        }
        ... on PretixEvent {
          quotas {
            name
            availableNumber
          }
        }
        ... on EventbriteEvent {
          ticketClasses {
            name
            quantitySold
            quantityTotal
          }
        }
        ... on TicketedEvent {
          availability {
            category
            available
            total
          }
        }
        ... on CustomEvent {
          attributes
        }
      }
    }
  }
}
`;

const live = `# Attendance as it changes, in every event.
# The current values come first.
subscription Live {
  attendanceChanged {
    cursor
    attendance {
      currentAttendees
      attendanceRate
    }
    event {
      id
      name
      ... on GateEvent {
        gates {
          id
          status
          throughput
        }
      }
    }
  }
}
`;

const key = new URLSearchParams(location.hash.slice(1)).get('key');
if (key) history.replaceState(null, '', location.pathname);
const headers = JSON.stringify({ authorization: key ? `Bearer ${key}` : placeholder }, null, 2);

const url = new URL('/graphql', location.href);
const socket = new URL(url);
socket.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
const fetcher = createGraphiQLFetcher({ url: url.href, subscriptionUrl: socket.href });

/** Without a key of one's own the placeholder is left out: an unknown key is refused, none is a public viewer. */
const withoutPlaceholder = ({ authorization, ...rest } = {}) => (authorization === undefined || authorization === placeholder ? rest : { ...rest, authorization });

/**
 * For a moment after a change of tabs, GraphiQL still names the operation of the tab before. Where a text has one
 * operation only, it is that one which is meant.
 */
const withOwnOperation = (params, documentAST) => {
  const operations = documentAST.definitions.filter(({ kind }) => kind === 'OperationDefinition');
  return operations.length === 1 ? { ...params, operationName: operations[0].name?.value } : params;
};

const execute = (params, options) => {
  const documentAST = parse(params.query);
  const asked = withOwnOperation(params, documentAST);
  // Tabs of an earlier visit come without headers, and the schema is asked for before their editor is there.
  const given = { ...(key ? { authorization: `Bearer ${key}` } : {}), ...options?.headers };
  return fetcher(asked, { ...options, documentAST, headers: withoutPlaceholder(given) });
};

createRoot(document.getElementById('explorer')).render(
  createElement(GraphiQL, {
    fetcher: execute,
    defaultTabs: [
      { query: now, headers },
      { query: live, headers },
    ],
    defaultEditorToolsVisibility: 'headers',
    defaultHeaders: headers,
    // A key that was given by the link is for this visit: tabs are not kept with it.
    shouldPersistHeaders: false,
  }),
);
