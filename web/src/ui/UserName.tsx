import { profileOf } from "../lookups.ts";
import { useLoaded } from "../use-loaded.ts";

interface UserNameProps {
  id: string;
  /** Shown while the name is loading or unavailable. */
  fallback: string;
}

export function UserName({ id, fallback }: UserNameProps) {
  const { value } = useLoaded(`profile ${id}`, () => profileOf(id));
  return <bdi>{value?.name ?? fallback}</bdi>;
}
