// sharing/strings.js: the words of shared conversations. Placeholders in braces.

export const WORDS = {
  share: "Share",
  shared: "Shared",
  sharedBy: "Shared by {owner}",
  readOnly: "{owner} shares this with you to read.",
  read: "may read",
  takePart: "may take part",
  team: "Team {name}",
  remove: "Remove",
  removeLabel: "Remove {name}",
  verbLabel: "What {name} may do",
  nobody: "Join a team first: you share with your teams and the people in them.",
  lost: "This conversation is not shared with you any more.",
};
