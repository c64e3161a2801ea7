/** `make`, which is asked again only for another argument than the last one. */
export const rememberLast = <Of, Made>(make: (of: Of) => Made): ((of: Of) => Made) => {
  let last: { readonly of: Of; readonly made: Made } | null = null;
  return (of) => {
    if (last?.of !== of) last = { of, made: make(of) };
    return last.made;
  };
};
