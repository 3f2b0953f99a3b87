import type { Cell } from "../../api/types";
import { useZone } from "../../state/zone";
import { formatBytes, formatTime } from "../../time/format";
import { isSame } from "./Conversation";
import type { RecordKey } from "./record";

const WIDTH = 600;
const LANE = 34;
const AXIS = 16;
/** Records that are drawn. */
const DRAWN_MAX = 500;

/** Units: seconds. */
const ROOM_S = 5;

type Row = Record<string, Cell>;

/** Records of a conversation over time: forward above, back below, rejected hatched. */
export function Timeline({ rows, record }: { rows: Row[]; record: RecordKey }) {
  const zone = useZone();
  const drawn = rows.slice(0, DRAWN_MAX);
  const begin = Math.min(record.start, ...drawn.map((row) => Number(row.start)));
  const finish = Math.max(begin, ...drawn.map((row) => Number(row.end ?? row.start)));
  // Some room at the sides, so that a record at the end, or the only one, is not at the edge.
  const room = Math.max(ROOM_S, (finish - begin) * 0.03);
  const first = begin - room;
  const last = finish + room;
  const most = Math.max(1, ...drawn.map((row) => Number(row.bytes ?? 0)));
  const x = (moment: number) => ((moment - first) / (last - first)) * (WIDTH - 4) + 2;
  const middle = LANE + 1;
  const sentence = sentenceOf(drawn, formatTime(begin, zone), formatTime(finish, zone));
  return (
    <svg
      className="timeline"
      viewBox={`0 0 ${WIDTH} ${LANE * 2 + AXIS}`}
      role="img"
      aria-label={sentence}
      preserveAspectRatio="none"
    >
      <defs>
        <pattern id="refused" width="5" height="5" patternUnits="userSpaceOnUse">
          <rect width="5" height="5" fill="var(--reject)" />
          <path d="M-1,1 l2,-2 M0,5 l5,-5 M4,6 l2,-2" stroke="var(--surface)" strokeWidth="1" />
        </pattern>
      </defs>
      <line x1="0" x2={WIDTH} y1={middle} y2={middle} stroke="var(--line-strong)" />
      {drawn.map((row, index) => {
        const from = x(Number(row.start));
        const width = Math.max(3, x(Number(row.end ?? row.start)) - from - 1);
        // By the logarithm, or one large record would make dots of all the others.
        const part = Math.log1p(Number(row.bytes ?? 0)) / Math.log1p(most);
        const height = Math.max(4, part * (LANE - 4));
        const here = isSame(row, record);
        return (
          <rect
            // biome-ignore lint/suspicious/noArrayIndexKey: records have no id and do not move
            key={index}
            x={Math.min(from, WIDTH - 4)}
            y={row.way === "back" ? middle + 2 : middle - 2 - height}
            width={width}
            height={height}
            rx="1"
            fill={row.action === "REJECT" ? "url(#refused)" : "var(--accept)"}
            opacity={here ? 1 : 0.62}
            stroke={here ? "var(--text)" : "none"}
            strokeWidth="1.5"
            vectorEffect="non-scaling-stroke"
          >
            <title>{`${formatTime(Number(row.start), zone)}: ${formatBytes(Number(row.bytes ?? 0))} ${row.way}`}</title>
          </rect>
        );
      })}
    </svg>
  );
}

function sentenceOf(rows: Row[], from: string, until: string): string {
  const refused = rows.filter((row) => row.action === "REJECT").length;
  const back = rows.filter((row) => row.way === "back").length;
  return `${rows.length} records from ${from} to ${until}: ${rows.length - back} forward, ${back} back, ${refused} rejected.`;
}
