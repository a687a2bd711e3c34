/** Example payloads with the key order of the documented samples and our own values. */
const account = { account_id: 'dfXlh46vQYCsMbVarumWlg', account_type: 'LINKEDIN' };

const kim = {
  attendee_id: 'C8zaRZTlVcmfnke_Vai4Gg',
  attendee_name: 'Kim',
  attendee_provider_id: 'ACoAAA1',
  attendee_profile_url: 'https://www.linkedin.com/in/ACoAAA1/',
};

export const messageExample = {
  ...account,
  account_info: { type: 'LINKEDIN', feature: 'classic', user_id: 'AA12' },
  chat_id: 'R8J-xM9WX7eoHLp6gSVtWQ',
  timestamp: '2026-03-02T10:11:12.345Z',
  message_id: 'ykmhfXlRW0W_cqReJYrfBw',
  message: 'Hello',
  sender: kim,
  attendees: [{ attendee_id: '12Siz1', attendee_name: 'Bo', attendee_provider_id: 'AA12' }],
  attachments: [{ id: 'att1', type: 'img', mimetype: 'image/jpeg', size: { height: 150, width: 150 } }],
};

export const reactionExample = { ...messageExample, reaction: '👍', reaction_sender: kim };

export const relationExample = {
  ...account,
  timestamp: '2026-03-02T10:11:12.345Z',
  user_provider_id: 'ACoAAA1',
  user_full_name: 'Kim Example',
  user_public_identifier: 'kim-example',
  user_profile_url: 'https://www.linkedin.com/in/kim-example/',
  user_picture_url: 'https://media.example.com/kim.jpg',
};

export const accountStatusExample = account;

export const emailExample = {
  email_id: '--R9___qXQKIu80oAF0lJA',
  account_id: 'GxwlUMaZTHefegva16XcWw',
  date: '2026-03-02T10:11:12.000Z',
  from_attendee: { display_name: 'Kim', identifier: 'kim@example.com', identifier_type: 'EMAIL_ADDRESS' },
  to_attendees: [{ display_name: 'Bo', identifier: 'bo@example.com', identifier_type: 'EMAIL_ADDRESS' }],
  bcc_attendees: [],
  cc_attendees: [],
  reply_to_attendees: [],
  provider_id: 'AQMkADAwATM3ZmYAZS04YjYy',
  message_id: '<1772446272.1@example.com>',
  has_attachments: false,
  subject: 'Hello',
  body: '<p>Hello</p>',
  body_plain: 'Hello',
  attachments: [],
  folders: ['Inbox'],
  role: 'inbox',
  read_date: null,
  is_complete: true,
  in_reply_to: { message_id: '<1772440000.1@example.com>', id: 'GxwlUMaZTHefegva16XcWx' },
  tracking_id: 'Z-4Nx5bMR86b9NVCloU1gg',
  origin: 'external',
};

export const openExample = {
  event_id: 'c0EHK9FEVoqQwCHjO5BbYg',
  tracking_id: 'Z-4Nx5bMR86b9NVCloU1gg',
  date: '2026-03-02T10:11:12.345Z',
  email_id: '--R9___qXQKIu80oAF0lJA',
  account_id: 'GxwlUMaZTHefegva16XcWw',
  ip: '203.0.113.7',
  user_agent: 'Mozilla/5.0',
};

export const clickExample = { ...openExample, url: 'https://example.com/offer', label: 'offer' };

export const calendarExample = {
  account_id: 'a4qFy0liRAGo-oZ2YFpirQ',
  id: '5m8lnvb64dt2uuaq99k4685eeq',
  master_event_id: '',
  calendar_id: 'kim@example.com',
  created_at: '2026-03-02T10:11:12.000Z',
  updated_at: '2026-03-02T10:11:12.345Z',
  title: 'Meeting with customer',
  is_cancelled: false,
  is_all_day: false,
  is_attendees_list_hidden: false,
  attendees: [],
  start: { date_time: '2026-03-06T14:30:00+01:00', time_zone: 'Europe/Paris' },
  end: { date_time: '2026-03-06T15:30:00+01:00', time_zone: 'Europe/Paris' },
  organizer: { email: 'kim@example.com', display_name: 'Kim' },
  visibility: 'private',
  transparency: 'transparent',
  event_type: 'default',
  color: '#039BE5',
};
