/** The mark: an accepted stream and a rejected one cross. */
export function Mark({ size = 24 }: { size?: number }) {
  return (
    <span className="mark">
      <svg width={size} height={size} viewBox="0 0 24 24" aria-hidden="true" fill="none">
        <g strokeWidth="3.4" strokeLinecap="round">
          <path d="M2 7h7c4 0 4 10 8 10h5" stroke="var(--accept)" />
          <path
            d="M2 17h7c1.7 0 2.7-1.6 3.5-3.4M15 8.2C15.6 7.5 16.2 7 17 7h5"
            stroke="var(--reject)"
          />
        </g>
      </svg>
      vpcflow
    </span>
  );
}
