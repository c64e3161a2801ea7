/** One logger a process, as JSON lines (pino); credentials are cut out wherever they are likely to stand. */
import { type Logger, destination, pino } from 'pino';

export type { Logger } from 'pino';

const secretPaths = ['authorization', '*.authorization', 'headers.authorization', 'req.headers.authorization', 'req.headers["x-api-key"]', '*.apiKey', '*.secret', '*.credentials', '*.pushSecret', '*.token', '*.password', 'credentials', 'apiKey', 'secret', 'password'];

/** Logs go to standard error, so that what `npm start` prints for people stays readable and can be piped apart. */
export const createLogger = (level: string): Logger => pino({ level, redact: { paths: secretPaths, censor: '[secret]' } }, destination({ dest: 2, sync: false }));
