declare const fedclairRelease: string;

/** The release that this page was built from; the build inserts it. */
export const release: string = fedclairRelease;
