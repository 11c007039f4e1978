/** The clock as it was looked at. */
export interface Clock {
  readonly now: Date;
  /** Somebody who knows the time has set it, not long ago. */
  readonly isSynchronised: boolean;
}
